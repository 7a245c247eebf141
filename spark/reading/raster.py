"""The pixels of a raster that a cell covers: whole ones, or the cell is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from claylake.vocabulary import CELL_M


@dataclass(frozen=True, kw_only=True)
class Window:
    """Pixels of a raster, half-open: rows `row` .. `row + height`, columns `col` .. `col + width`.

    May reach beyond the raster on any side.
    """

    row: int
    col: int
    height: int
    width: int


@dataclass(frozen=True, kw_only=True)
class Raster:
    """A north-up grid of square pixels.

    `west` and `north` are the outer edges of the first pixel in metres of `epsg`; `pixel_m` is a
    pixel's side in metres; `shape` is (rows, columns).
    """

    epsg: int
    west: int
    north: int
    pixel_m: int
    shape: tuple[int, int]

    @classmethod
    def of(cls, *, epsg: int | None, transform: Sequence[float], shape: tuple[int, int]) -> Raster:
        """Check a file's georeferencing.

        Args:
            epsg: the file's own CRS.
            transform: a, b, c, d, e, f: x = a col + b row + c, y = d col + e row + f, in metres.
            shape: (rows, columns).

        Raises:
            ValueError: if it is turned, not square, or its corner is no multiple of the pixel: then no cell maps
                to whole pixels.
        """
        a, b, c, d, e, f = (float(number) for number in transform[:6])
        if epsg is None:
            raise ValueError("no EPSG code")
        if b or d or a != -e or a <= 0 or not a.is_integer() or CELL_M % int(a):
            raise ValueError(f"transform {tuple(transform[:6])} is not north-up, square, in whole metres")
        if not (c.is_integer() and f.is_integer()) or int(c) % int(a) or int(f) % int(a):
            raise ValueError(f"corner ({c:.0f}, {f:.0f}) is no multiple of the pixel ({a:g} m)")
        return cls(epsg=epsg, west=int(c), north=int(f), pixel_m=int(a), shape=shape)

    @property
    def cell_px(self) -> int:
        """Pixels along a cell's side."""
        return CELL_M // self.pixel_m

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """West, south, east and north edge, metres."""
        rows, columns = self.shape
        return self.west, self.north - rows * self.pixel_m, self.west + columns * self.pixel_m, self.north

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """As given to `of`."""
        return (self.pixel_m, 0.0, self.west, 0.0, -self.pixel_m, self.north)

    def window(self, *, col: int, row: int, cells: int = 1) -> Window:
        """The window of `cells` neighbouring cells, from the one at (`col`, `row`) of the grid eastwards.

        Args:
            col: of the westernmost cell, counted eastwards from easting 0.
            row: of all of them, counted northwards from northing 0.
            cells: how many.
        """
        return Window(
            row=(self.north - (row + 1) * CELL_M) // self.pixel_m,
            col=(col * CELL_M - self.west) // self.pixel_m,
            height=self.cell_px,
            width=cells * self.cell_px,
        )

    def inside(self, window: Window) -> Window | None:
        """The part of a window that the raster holds; None where it holds nothing."""
        top, left = max(window.row, 0), max(window.col, 0)
        bottom = min(window.row + window.height, self.shape[0])
        right = min(window.col + window.width, self.shape[1])
        if top >= bottom or left >= right:
            return None
        return Window(row=top, col=left, height=bottom - top, width=right - left)
