"""The grid cells of an AOI, as one Arrow table; everything per cell is vectorised."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claylake.area.existence import existing
from claylake.area.grid import NORTHERN_EPSG_BASE, SOUTHERN_EPSG_BASE, lonlat_to_grid, zone_window
from claylake.area.new_cells import NEW
from claylake.area.rule import NEWEST, RULES
from claylake.area.tiles import EASTINGS
from claylake.errors import BadInputError
from claylake.vocabulary import CELL_M

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa

    from claylake.area.aoi import Aoi
    from claylake.area.rule import Rule

GEOHASH_LENGTH = 7
COLUMNS = ("cell_id", "epsg", "col", "row", "lon", "lat", "geohash", "xmin", "ymin", "xmax", "ymax", "geometry")


@dataclass(frozen=True, kw_only=True)
class AoiCells:
    """An AOI's cells by every ownership rule.

    `table` has `COLUMNS`, ordered by cell id, and for each rule whether a cell exists by it. `digests` are those of the
    cells by each rule. Where rules agree on all cells, their digest is one: the work is the same.
    """

    table: pa.Table
    digests: Mapping[Rule, str]

    @classmethod
    def of(cls, table: pa.Table) -> AoiCells:
        """Compute the digests of a table's cells."""
        first = table[_column(RULES[0])]
        digests: dict[Rule, str] = {}
        for rule in RULES:
            exists = table[_column(rule)]
            agrees = rule != RULES[0] and exists.equals(first)
            digests[rule] = digests[RULES[0]] if agrees else digest(table["cell_id"].filter(exists).to_pylist(), rule)
        return cls(table=table, digests=digests)

    @property
    def agreed(self) -> bool:
        """Whether the cells are the same by all rules."""
        return len(set(self.digests.values())) == 1

    def by(self, rule: Rule) -> pa.Table:
        """The cells that exist by a rule, ordered by cell id: `COLUMNS`, and `NEW` unless the rules agree."""
        import numpy as np
        import pyarrow as pa

        if self.agreed:
            return self.table.select(COLUMNS)
        others = [self.table[_column(each)].to_numpy() for each in RULES if each != rule]
        marked = self.table.append_column(NEW, pa.array(~np.logical_or.reduce(others)))
        return marked.filter(marked[_column(rule)]).select([*COLUMNS, NEW])


def cells_of(aoi: Aoi, rule: Rule = NEWEST) -> pa.Table:
    """Every cell that overlaps the AOI, one row each, ordered by cell id.

    Columns: cell_id; epsg, col, row (int32); lon, lat of the centre (degrees); geohash (7
    characters, of the centre); xmin, ymin, xmax, ymax (WGS 84, xmin > xmax across 180 degrees);
    geometry (WKB, WGS 84). Which cells exist is `claylake.area.existence`'s matter.

    Raises:
        BadInputError: if no cell overlaps.
    """
    return cells_by_rule(aoi).by(rule).select(COLUMNS)


def cells_by_rule(aoi: Aoi) -> AoiCells:
    """The cells that overlap the AOI, by every ownership rule.

    Raises:
        BadInputError: if no cell overlaps.
    """
    import pyarrow as pa

    parts = [part for zone in range(1, 61) for part in _zone_parts(aoi, zone)]
    if not parts:
        msg = f"AOI {aoi.name}: no grid cell overlaps it"
        raise BadInputError(msg)
    return AoiCells.of(pa.concat_tables(parts).sort_by("cell_id"))


def digest(cell_ids: list[str], rule: Rule = 1) -> str:
    """Digest of an AOI's cells: sha256 over the rule, if later than the first, and the sorted ids; 16 hex digits."""
    named = [] if rule == RULES[0] else [f"ownership {rule}"]
    return hashlib.sha256("\n".join([*named, *sorted(cell_ids)]).encode()).hexdigest()[:16]


def _column(rule: Rule) -> str:
    return f"rule_{rule}"


def to_parquet(table: pa.Table) -> bytes:
    """The table as one Parquet file."""
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _zone_parts(aoi: Aoi, zone: int) -> list[pa.Table]:
    """Cells of both hemispheres of one zone."""
    import shapely
    from shapely.affinity import translate
    from shapely.geometry import shape

    area = shape(aoi.geometry)
    west, east = zone_window(zone, max(map(abs, area.bounds[1::2])))
    turns = [translate(area, xoff=turn) for turn in (-360.0, 0.0, 360.0)]
    parts = []
    for base, south, north in ((NORTHERN_EPSG_BASE, -0.1, 84.0), (SOUTHERN_EPSG_BASE, -80.0, 0.1)):
        window = shapely.box(west, south, east, north)
        inside = shapely.union_all([shapely.intersection(turn, window) for turn in turns])
        if not inside.is_empty and inside.area > 0:
            part = _grid_part(base + zone, inside)
            if part is not None:
                parts.append(part)
    return parts


def _grid_part(epsg: int, lonlat_area: Any) -> pa.Table | None:
    import numpy as np
    import pyarrow as pa
    import shapely

    forward = lonlat_to_grid(epsg)
    area = _project(lonlat_area, forward)
    west, south, east, north = (bound / CELL_M for bound in area.bounds)
    west, east = max(west, EASTINGS[0] / CELL_M), min(east, EASTINGS[1] / CELL_M)
    grid = np.meshgrid(
        np.arange(np.floor(west), np.ceil(east), dtype=np.int64),
        np.arange(np.floor(south), np.ceil(north), dtype=np.int64),
    )
    cols, rows = grid[0].ravel(), grid[1].ravel()
    boxes = shapely.box(cols * CELL_M, rows * CELL_M, (cols + 1) * CELL_M, (rows + 1) * CELL_M)
    shapely.prepare(area)
    hit = shapely.intersects(area, boxes) & ~shapely.touches(area, boxes)
    cols, rows = cols[hit], rows[hit]
    exists = {rule: existing(rule, epsg, cols, rows) for rule in RULES}
    some = np.logical_or.reduce(list(exists.values()))
    if not some.any():
        return None
    cols, rows = cols[some], rows[some]
    lon, lat = forward.transform((cols + 0.5) * CELL_M, (rows + 0.5) * CELL_M, direction="INVERSE")
    table = _table(epsg, cols, rows, np.asarray(lon), np.asarray(lat), forward)
    for rule, mask in exists.items():
        table = table.append_column(_column(rule), pa.array(mask[some]))
    return table


def _project(area: Any, forward: Any) -> Any:
    """To the zone's metres; edges are densified first, as they bend in projection."""
    import numpy as np
    import shapely

    dense = shapely.segmentize(area, 0.05)

    def move(coordinates: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = forward.transform(coordinates[:, 0], coordinates[:, 1])
        return np.column_stack([x, y])

    return shapely.transform(dense, move)


def _table(epsg: int, cols: np.ndarray, rows: np.ndarray, lon: np.ndarray, lat: np.ndarray, forward: Any) -> pa.Table:
    import numpy as np
    import pyarrow as pa
    import pygeohash
    import shapely

    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    x = (cols[:, None] + corners[None, :, 0]) * CELL_M
    y = (rows[:, None] + corners[None, :, 1]) * CELL_M
    corner_lon, corner_lat = forward.transform(x, y, direction="INVERSE")
    crosses = corner_lon.max(axis=1) - corner_lon.min(axis=1) > 180.0
    unrolled = np.where(crosses[:, None] & (corner_lon < 0), corner_lon + 360.0, corner_lon)
    polygons = np.asarray(shapely.polygons(np.stack([unrolled, corner_lat], axis=-1)))
    for index in np.flatnonzero(crosses):
        polygons[index] = _split_at_antimeridian(polygons[index])
    xmax = unrolled.max(axis=1)
    return pa.table(
        {
            "cell_id": [f"{epsg}_{col}_{row}" for col, row in zip(cols, rows, strict=True)],
            "epsg": pa.array(np.full(len(cols), epsg), pa.int32()),
            "col": pa.array(cols, pa.int32()),
            "row": pa.array(rows, pa.int32()),
            "lon": lon,
            "lat": lat,
            "geohash": [pygeohash.encode(y, x, precision=GEOHASH_LENGTH) for x, y in zip(lon, lat, strict=True)],
            "xmin": unrolled.min(axis=1),
            "ymin": corner_lat.min(axis=1),
            "xmax": np.where(crosses, xmax - 360.0, xmax),
            "ymax": corner_lat.max(axis=1),
            "geometry": pa.array(shapely.to_wkb(polygons), pa.binary()),
        }
    )


def _split_at_antimeridian(polygon: Any) -> Any:
    """A polygon unrolled past 180 degrees, as a MultiPolygon within -180..180 (RFC 7946, 3.1.9)."""
    import shapely
    from shapely.affinity import translate

    near = shapely.intersection(polygon, shapely.box(0, -90, 180, 90))
    far = translate(shapely.intersection(polygon, shapely.box(180, -90, 360, 90)), xoff=-360.0)
    return shapely.multipolygons([near, far])
