"""A fire between two months: the same ground before and after, as the eye sees it and in short-wave infrared."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageDraw

from infra.pictures.errors import PictureError
from infra.pictures.lake import CELL_PX, Array, Composite, pixels
from infra.pictures.sheet import Panel, Sheet

if TYPE_CHECKING:
    from pathlib import Path

    from infra.pictures.lake import Lake

_SIDE: Final = 300
_AROUND_PX: Final = 60
_CLEAR: Final = 0.7
_TRUE_COLOUR: Final = Composite(bands=(2, 1, 0), lightest=2000)
_INFRARED: Final = Composite(bands=(9, 7, 2), lightest=5500)
"""swir22, nir08, red."""
_LINE: Final = (255, 214, 10)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Where and when.

    Attributes:
        outlines: of the polygons, lon/lat.
        start: UTC.
    """

    outlines: list[list[tuple[float, float]]]
    start: datetime

    @classmethod
    def load(cls, path: Path) -> Event:
        """The event of a generated world's ``event.geojson``."""
        feature = json.loads(path.read_text(encoding="utf-8"))
        shape = feature["geometry"]
        parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        outlines = [[(lon, lat) for lon, lat in part[0]] for part in parts]
        return cls(outlines=outlines, start=datetime.fromisoformat(feature["properties"]["from"]))


def burn(lake: Lake, event: Event) -> Sheet:
    """The last clear pass before the event and the first one after it.

    Args:
        lake: with chips of both.
        event: a fire.

    Raises:
        PictureError: there is no clear pass before, or none after.
    """
    columns = ("cell_id", "epsg", "col", "row", "pass", "datetime", "clear_frac")
    lon, lat = zip(*(point for outline in event.outlines for point in outline), strict=True)
    within = f"xmax >= {min(lon)} and xmin <= {max(lon)} and ymax >= {min(lat)} and ymin <= {max(lat)}"
    passes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in lake.rows("chips", f"clear_frac >= {_CLEAR} and {within}", columns):
        passes[row["pass"]].append(row)
    most = max((len(rows) for rows in passes.values()), default=0)
    whole = sorted((rows for rows in passes.values() if len(rows) == most), key=lambda rows: rows[0]["datetime"])
    before = [rows for rows in whole if rows[0]["datetime"] < event.start]
    after = [rows for rows in whole if rows[0]["datetime"] > event.start]
    if not before or not after:
        msg = f"{lake.folder}: the event of {event.start:%Y-%m-%d} has no clear pass before it or none after it"
        raise PictureError(msg)
    shown = [_Ground.of(lake, event, rows) for rows in (before[-1], after[0])]
    days = [f"{ground.day:%Y-%m-%d}" for ground in shown]
    return Sheet(
        heading="A fire between two months",
        rows=[
            [
                Panel(title=f"{day}: {name}", picture=ground.picture(composite))
                for day, ground in zip(days, shown, strict=True)
            ]
            for name, composite in (("true colour", _TRUE_COLOUR), ("infrared", _INFRARED))
        ],
        legend=[(_LINE, f"the area that burns on {event.start:%Y-%m-%d}")],
        text=(
            "The same ground, from the bands that the table chips holds; infrared: swir22, nir08 and red as red, green "
            "and blue. The landscape and the fire are generated."
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Ground:
    """The ground around an event in one pass: `bands` uint16 (10, row, col), outlines in (x, y) of its pixels."""

    bands: Array
    outlines: list[list[tuple[float, float]]]
    day: datetime

    @classmethod
    def of(cls, lake: Lake, event: Event, rows: list[dict[str, Any]]) -> _Ground:
        """Of one pass.

        Args:
            lake: with its chips.
            event: whose outlines are drawn.
            rows: chips of the pass around the event.
        """
        from pyproj import Transformer

        west, north = min(row["col"] for row in rows), max(row["row"] for row in rows) + 1
        width, height = max(row["col"] for row in rows) - west + 1, north - min(row["row"] for row in rows)
        bands = np.zeros((10, height * CELL_PX, width * CELL_PX), np.uint16)
        chosen = f"pass = '{rows[0]['pass']}'"
        wanted = {row["cell_id"] for row in rows}
        for row in lake.rows("chips", chosen, ("cell_id", "col", "row", "clay_tensor")):
            if row["cell_id"] in wanted:
                top, left = (north - 1 - row["row"]) * CELL_PX, (row["col"] - west) * CELL_PX
                bands[:, top : top + CELL_PX, left : left + CELL_PX] = pixels(row["clay_tensor"])
        to_utm = Transformer.from_crs(4326, rows[0]["epsg"], always_xy=True)
        cell_m = CELL_PX * 10
        outlines = []
        for outline in event.outlines:
            east, up = to_utm.transform(*np.array(outline).T)
            outlines.append(list(zip((east - west * cell_m) / 10, (north * cell_m - up) / 10, strict=True)))
        return cls(bands=bands, outlines=outlines, day=rows[0]["datetime"])

    def picture(self, composite: Composite) -> Image.Image:
        """Three bands around the event, with its outline."""
        x, y = np.array([point for outline in self.outlines for point in outline]).T
        half = max(np.ptp(x), np.ptp(y)) / 2 + _AROUND_PX
        _, height, width = self.bands.shape
        left = int(np.clip((x.min() + x.max()) / 2 - half, 0, max(0, width - 2 * half)))
        top = int(np.clip((y.min() + y.max()) / 2 - half, 0, max(0, height - 2 * half)))
        side = int(min(2 * half, width - left, height - top))
        scale = _SIDE / side
        cut = composite.picture(self.bands[:, top : top + side, left : left + side])
        picture = cut.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        pen = ImageDraw.Draw(picture)
        for outline in self.outlines:
            line = [((px - left) * scale, (py - top) * scale) for px, py in outline]
            pen.line([*line, line[0]], fill=_LINE, width=1)
        return picture
