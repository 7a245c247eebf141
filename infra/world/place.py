"""Where the demo world lies: two real, overlapping MGRS tiles, cropped around an AOI."""

from dataclasses import dataclass

from claylake.vocabulary import CELL_M, PIXEL_M
from infra.world.errors import WorldError

COARSE_M = 2 * PIXEL_M
"""Pixel of the SCL and of half of the bands, metres; `PIXEL_M` is that of the others."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle in projected metres, half-open: west <= E < east, south <= N < north."""

    west: int
    south: int
    east: int
    north: int

    def __post_init__(self) -> None:
        """Refuse edges off the grid of 20 m on which every Sentinel-2 tile lies."""
        edges = (self.west, self.south, self.east, self.north)
        if any(edge % COARSE_M for edge in edges) or self.west >= self.east or self.south >= self.north:
            msg = f"a box needs west < east and south < north, all multiples of {COARSE_M} m; got {edges}"
            raise WorldError(msg)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns at 10 m."""
        return (self.north - self.south) // PIXEL_M, (self.east - self.west) // PIXEL_M

    def at(self, east: float, north: float) -> tuple[float, float]:
        """Return easting and northing, metres, of shares of the box, 0 to 1 eastwards and northwards."""
        return self.west + east * (self.east - self.west), self.south + north * (self.north - self.south)

    def transform(self, pixel: int = PIXEL_M) -> tuple[float, float, float, float, float, float]:
        """Return the affine transform, in the order of `proj:transform`, for pixels of `pixel` m."""
        return (float(pixel), 0.0, float(self.west), 0.0, float(-pixel), float(self.north))

    def window(self, inner: "Box", pixel: int = PIXEL_M) -> tuple[slice, slice]:
        """Return the rows and columns that `inner` takes in a raster of this box."""
        top, left = (self.north - inner.north) // pixel, (inner.west - self.west) // pixel
        rows, cols = (inner.north - inner.south) // pixel, (inner.east - inner.west) // pixel
        return slice(top, top + rows), slice(left, left + cols)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """An MGRS tile and the part of it that the demo publishes."""

    zone: int
    band: str
    square: str
    crop: Box

    @property
    def name(self) -> str:
        """Tile name as in product names, without the leading T."""
        return f"{self.zone}{self.band}{self.square}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One size of the world: its tiles, its cells and its AOI outline.

    `cells` counts the AOI's cells in metres of the grid; `outline` is the AOI in units of
    that block (0 to 1 eastwards and northwards), so that it stays inside it at any size.
    """

    name: str
    epsg: int
    cells: Box
    tiles: tuple[Tile, Tile]
    outline: tuple[tuple[float, float], ...]

    @property
    def extent(self) -> Box:
        """The smallest box around both crops: what is painted."""
        crops = [tile.crop for tile in self.tiles]
        return Box(
            west=min(c.west for c in crops),
            south=min(c.south for c in crops),
            east=max(c.east for c in crops),
            north=max(c.north for c in crops),
        )

    def aoi_utm(self) -> list[tuple[float, float]]:
        """Return the AOI's ring, (easting, northing) in metres, not closed."""
        box = self.cells
        width, height = box.east - box.west, box.north - box.south
        return [(box.west + u * width, box.south + v * height) for u, v in self.outline]


def _cells(col: int, row: int, cols: int, rows: int) -> Box:
    return Box(
        west=col * CELL_M,
        south=row * CELL_M,
        east=(col + cols) * CELL_M,
        north=(row + rows) * CELL_M,
    )


_OUTLINE = (
    (0.012, 0.075),
    (0.058, 0.016),
    (0.31, 0.024),
    (0.52, 0.011),
    (0.93, 0.03),
    (0.985, 0.11),
    (0.971, 0.47),
    (0.989, 0.86),
    (0.94, 0.962),
    (0.68, 0.984),
    (0.39, 0.966),
    (0.07, 0.988),
    (0.022, 0.9),
    (0.034, 0.55),
)

DEMO = Place(
    name="demo",
    epsg=32632,
    cells=_cells(270, 2090, 10, 10),
    tiles=(
        # 32UPU reaches from E 600,000 to 709,800, 32UQU from 699,960: these edges are true.
        Tile(
            zone=32,
            band="U",
            square="PU",
            crop=Box(west=690_920, south=5_350_060, east=709_800, north=5_376_260),
        ),
        Tile(
            zone=32,
            band="U",
            square="QU",
            crop=Box(west=699_960, south=5_350_120, east=717_100, north=5_376_320),
        ),
    ),
    outline=_OUTLINE,
)

TINY = Place(
    name="tiny",
    epsg=32632,
    cells=_cells(274, 2094, 3, 2),
    tiles=(
        # Cropped inside the true overlap, so that three columns of cells suffice to have
        # one that only the west, one that only the east and one that both tiles hold.
        Tile(
            zone=32,
            band="U",
            square="PU",
            crop=Box(west=701_220, south=5_360_400, east=706_940, north=5_366_020),
        ),
        Tile(
            zone=32,
            band="U",
            square="QU",
            crop=Box(west=703_620, south=5_360_460, east=709_360, north=5_366_060),
        ),
    ),
    outline=_OUTLINE,
)

PLACES = {place.name: place for place in (DEMO, TINY)}


def place_of(size: str) -> Place:
    """Return the place of a size.

    Raises:
        WorldError: if there is no such size.
    """
    if size not in PLACES:
        msg = f"no world of size {size!r}; sizes are {', '.join(sorted(PLACES))}"
        raise WorldError(msg)
    return PLACES[size]
