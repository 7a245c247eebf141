"""The grid cells of an AOI, as one Arrow table; everything per cell is vectorised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from claylake.area.existence import existing
from claylake.area.grid import NORTHERN_EPSG_BASE, SOUTHERN_EPSG_BASE, lonlat_to_grid, zone_window
from claylake.area.new_cells import NEW
from claylake.area.rule import NEWEST, RULES
from claylake.area.tiles import EASTINGS
from claylake.errors import BadInputError
from claylake.vocabulary import CELL_M

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from claylake.area.aoi import Aoi
    from claylake.area.rule import Rule

GEOHASH_LENGTH = 7
CHUNK: Final = 32_768
"""Cells made at once, and rows of a row group: bounds the memory, not the number of cells."""
BLOCK: Final = 32
"""Cells along the side of the blocks that are tried first."""
COLUMNS = ("cell_id", "epsg", "col", "row", "lon", "lat", "geohash", "xmin", "ymin", "xmax", "ymax", "geometry")


@dataclass(frozen=True, kw_only=True)
class GridCells:
    """Cells of one grid, in the order of their ids: columns and rows in parallel, and by each rule which exist."""

    epsg: int
    cols: NDArray[np.int64]
    rows: NDArray[np.int64]
    exists: Mapping[Rule, NDArray[np.bool_]]

    def ids(self, rule: Rule) -> pa.Array:
        """Ids of the cells that exist by a rule."""
        mask = self.exists[rule]
        return _ids(self.epsg, self.cols[mask], self.rows[mask])

    def new(self, rule: Rule) -> NDArray[np.bool_]:
        """Of the cells that exist by a rule, those that no other rule has."""
        import numpy as np

        others = [mask for other, mask in self.exists.items() if other != rule]
        fresh: NDArray[np.bool_] = ~np.logical_or.reduce(others)[self.exists[rule]]
        return fresh

    def tables(self, rule: Rule) -> Iterator[pa.Table]:
        """`COLUMNS` of the cells that exist by a rule, at most `CHUNK` of them in each table."""
        cols, rows = self.cols[self.exists[rule]], self.rows[self.exists[rule]]
        forward = lonlat_to_grid(self.epsg)
        for start in range(0, len(cols), CHUNK):
            yield _table(self.epsg, cols[start : start + CHUNK], rows[start : start + CHUNK], forward)


@dataclass(frozen=True, kw_only=True)
class AoiCells:
    """An AOI's cells by every ownership rule: numbers only, the table is made of those of one rule.

    `digests` are those of the cells by each rule. Where rules agree on all cells, their digest is one: the work is the
    same.
    """

    grids: tuple[GridCells, ...]
    digests: Mapping[Rule, str]

    @classmethod
    def of(cls, grids: Iterable[GridCells]) -> AoiCells:
        """Compute the digests.

        Args:
            grids: in order of their numbers, so that all ids are in order.
        """
        import pyarrow as pa

        grids = tuple(grids)
        digests: dict[Rule, str] = {}
        for rule in RULES:
            agrees = all((grid.exists[rule] == grid.exists[RULES[0]]).all() for grid in grids)
            ids = [] if agrees and digests else pa.chunked_array([grid.ids(rule) for grid in grids]).to_pylist()
            digests[rule] = digests[RULES[0]] if agrees and digests else digest(ids, rule)
        return cls(grids=grids, digests=digests)

    @property
    def agreed(self) -> bool:
        """Whether the cells are the same by all rules."""
        return len(set(self.digests.values())) == 1

    def by(self, rule: Rule) -> pa.Table:
        """The cells that exist by a rule, ordered by cell id: `COLUMNS`, and `NEW` unless the rules agree."""
        import numpy as np
        import pyarrow as pa

        parts = [part for grid in self.grids for part in grid.tables(rule)]
        table = pa.concat_tables(parts) if parts else _empty()
        if self.agreed:
            return table
        return table.append_column(NEW, pa.array(np.concatenate([grid.new(rule) for grid in self.grids])))


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
    from shapely.affinity import translate
    from shapely.geometry import shape

    area = shape(aoi.geometry)
    highest = max(map(abs, area.bounds[1::2]))
    turns = [translate(area, xoff=turn) for turn in (-360.0, 0.0, 360.0)]
    # Ids begin with the five digits of their grid: grid by grid, each in its own order, is the order of all.
    grids = [
        _grid(base + zone, _within(turns, (*zone_window(zone, highest), south, north)))
        for base, south, north in ((NORTHERN_EPSG_BASE, -0.1, 84.0), (SOUTHERN_EPSG_BASE, -80.0, 0.1))
        for zone in range(1, 61)
    ]
    found = [grid for grid in grids if grid is not None]
    if not found:
        msg = f"AOI {aoi.name}: no grid cell overlaps it"
        raise BadInputError(msg)
    return AoiCells.of(found)


def digest(cell_ids: list[str], rule: Rule = 1) -> str:
    """Digest of an AOI's cells: sha256 over the rule, if later than the first, and the sorted ids; 16 hex digits."""
    named = [] if rule == RULES[0] else [f"ownership {rule}"]
    return hashlib.sha256("\n".join([*named, *sorted(cell_ids)]).encode()).hexdigest()[:16]


def write_parquet(table: pa.Table, sink: IO[bytes]) -> None:
    """Write the table as one Parquet file, some rows at a time."""
    import pyarrow.parquet as pq

    pq.write_table(table, sink, compression="zstd", row_group_size=CHUNK)


def _within(turns: list[Any], window: tuple[float, float, float, float]) -> Any:
    """What a window (west, east, south, north; degrees) holds of an area, whichever turn it is written in."""
    import shapely

    west, east, south, north = window
    frame = shapely.box(west, south, east, north)
    return shapely.union_all([shapely.intersection(turn, frame) for turn in turns])


def _grid(epsg: int, lonlat_area: Any) -> GridCells | None:
    """The cells of one grid that overlap an area and exist by some rule; None where there are none."""
    import numpy as np
    import pyarrow.compute as pc

    if lonlat_area.is_empty or lonlat_area.area == 0:
        return None
    cols, rows = _overlapping(_project(lonlat_area, lonlat_to_grid(epsg)))
    exists = {rule: _existing(rule, epsg, cols, rows) for rule in RULES}
    some = np.flatnonzero(np.logical_or.reduce(list(exists.values())))
    if not len(some):
        return None
    order = some[pc.array_sort_indices(_ids(epsg, cols[some], rows[some])).to_numpy()]
    return GridCells(
        epsg=epsg, cols=cols[order], rows=rows[order], exists={rule: mask[order] for rule, mask in exists.items()}
    )


def _existing(rule: Rule, epsg: int, cols: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which cells of a grid exist by a rule: some at a time, because each has many test points."""
    import numpy as np

    parts = [
        existing(rule, epsg, cols[start : start + CHUNK], rows[start : start + CHUNK])
        for start in range(0, len(cols), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.bool_)


def _overlapping(area: Any) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of the cells that overlap an area, which is in metres of their grid.

    Blocks of cells are tried first: only blocks that the area's edge meets are tried cell by cell.
    """
    import numpy as np
    import shapely

    shapely.prepare(area)
    west, south, east, north = (bound / CELL_M for bound in area.bounds)
    west, east = max(west, EASTINGS[0] / CELL_M), min(east, EASTINGS[1] / CELL_M)
    if west >= east:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    across, up = (
        ticks.ravel()
        for ticks in np.meshgrid(
            np.arange(np.floor(west / BLOCK), np.ceil(east / BLOCK), dtype=np.int64) * BLOCK,
            np.arange(np.floor(south / BLOCK), np.ceil(north / BLOCK), dtype=np.int64) * BLOCK,
        )
    )
    blocks = _boxes(across, up, BLOCK)
    met = shapely.intersects(area, blocks)
    across, up, blocks = across[met], up[met], blocks[met]
    whole = shapely.contains_properly(area, blocks)
    ticks = np.arange(BLOCK)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for col, row, all_of_it in zip(across, up, whole, strict=True):
        rows, cols = (part.ravel() for part in np.meshgrid(row + ticks, col + ticks, indexing="ij"))
        if not all_of_it:
            boxes = _boxes(cols, rows, 1)
            hit = shapely.intersects(area, boxes)
            hit[hit] = ~shapely.touches(area, boxes[hit])
            cols, rows = cols[hit], rows[hit]
        found.append((cols, rows))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    cols, rows = (np.concatenate(parts) for parts in zip(*found, strict=True))
    # Blocks reach farther than any tile.
    inside = (np.floor(EASTINGS[0] / CELL_M) <= cols) & (cols < np.ceil(EASTINGS[1] / CELL_M))
    return cols[inside], rows[inside]


def _boxes(cols: np.ndarray, rows: np.ndarray, cells: int) -> np.ndarray:
    """Squares of `cells` by `cells` from these columns and rows on, in metres."""
    import shapely

    boxes: np.ndarray = shapely.box(cols * CELL_M, rows * CELL_M, (cols + cells) * CELL_M, (rows + cells) * CELL_M)
    return boxes


def _ids(epsg: int, cols: np.ndarray, rows: np.ndarray) -> pa.Array:
    """Cell ids, ``<epsg>_<col>_<row>``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = (pc.cast(pa.array(part), pa.string()) for part in (cols, rows))
    return pc.binary_join_element_wise(str(epsg), *numbers, "_")


def _project(area: Any, forward: Any) -> Any:
    """To the zone's metres; edges are densified first, as they bend in projection."""
    import numpy as np
    import shapely

    dense = shapely.segmentize(area, 0.05)

    def move(coordinates: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = forward.transform(coordinates[:, 0], coordinates[:, 1])
        return np.column_stack([x, y])

    return shapely.transform(dense, move)


def _table(epsg: int, cols: np.ndarray, rows: np.ndarray, forward: Any) -> pa.Table:
    import numpy as np
    import pyarrow as pa
    import pygeohash
    import shapely

    lon, lat = map(np.asarray, forward.transform((cols + 0.5) * CELL_M, (rows + 0.5) * CELL_M, direction="INVERSE"))
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
            "cell_id": _ids(epsg, cols, rows),
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


def _empty() -> pa.Table:
    """A table of no cells."""
    import numpy as np

    none = np.empty(0, np.int64)
    return _table(0, none, none, lonlat_to_grid(NORTHERN_EPSG_BASE + 1))


def _split_at_antimeridian(polygon: Any) -> Any:
    """A polygon unrolled past 180 degrees, as a MultiPolygon within -180..180 (RFC 7946, 3.1.9)."""
    import shapely
    from shapely.affinity import translate

    near = shapely.intersection(polygon, shapely.box(0, -90, 180, 90))
    far = translate(shapely.intersection(polygon, shapely.box(180, -90, 360, 90)), xoff=-360.0)
    return shapely.multipolygons([near, far])
