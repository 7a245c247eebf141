"""A GeoTIFF around one JPEG picture: the layout of TIFF 6.0, its Technical Note 2 and GeoTIFF 1.1 (OGC 19-008)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_JPEG, _YCBCR, _CONTIGUOUS = 7, 6, 1
_HALVED = (2, 2)
"""Colour is stored at half the resolution in both directions."""
_BLACK_WHITE = (0, 255, 128, 255, 128, 255)
"""Lowest and highest Y, Cb and Cr as JPEG has them; the default of TIFF is another."""
_FORMATS = {"H": 3, "I": 4, "R": 5, "d": 12}
"""Types of TIFF by the letters of `struct`; R is a rational number."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a square picture lies: outer edges of its first pixel in metres of `epsg`, a projected CRS."""

    epsg: int
    west: float
    north: float
    pixel_m: float


def geotiff(jpeg: bytes, side: int, place: Place) -> bytes:
    """The file; its only tile is the JPEG stream, whole, with its own tables.

    Args:
        jpeg: a baseline JPEG of three components, colour halved (4:2:0).
        side: pixels, a multiple of 16.
        place: where the picture lies.
    """
    keys = [(1024, 1), (1025, 1), (3072, place.epsg)]  # projected; pixels are areas; the CRS
    directory = (1, 1, 0, len(keys), *(number for key, value in keys for number in (key, 0, 1, value)))
    fields: list[tuple[int, str, tuple[float, ...]]] = [
        (256, "H", (side,)),  # width
        (257, "H", (side,)),  # height
        (258, "H", (8, 8, 8)),  # bits of a sample
        (259, "H", (_JPEG,)),
        (262, "H", (_YCBCR,)),
        (277, "H", (3,)),  # samples
        (284, "H", (_CONTIGUOUS,)),
        (322, "H", (side,)),  # of the tile
        (323, "H", (side,)),
        (324, "I", (0,)),  # where it begins; below
        (325, "I", (len(jpeg),)),
        (530, "H", _HALVED),
        (532, "R", _BLACK_WHITE),
        (33550, "d", (place.pixel_m, place.pixel_m, 0.0)),
        (33922, "d", (0.0, 0.0, 0.0, place.west, place.north, 0.0)),
        (34735, "H", directory),
    ]
    values_at = 8 + 2 + 12 * len(fields) + 4
    begin = values_at + sum(len(packed) for _, kind, values in fields if len(packed := _packed(kind, values)) > 4)
    entries, beyond = b"", b""
    for tag, kind, values in fields:
        packed = _packed(kind, (begin,) if tag == 324 else values)
        if len(packed) > 4:
            packed, beyond = struct.pack("<I", values_at + len(beyond)), beyond + packed
        entries += struct.pack("<HHI", tag, _FORMATS[kind], len(values)) + packed.ljust(4, b"\0")
    return struct.pack("<2sHIH", b"II", 42, 8, len(fields)) + entries + bytes(4) + beyond + jpeg


def _packed(kind: str, values: tuple[float, ...]) -> bytes:
    if kind == "R":
        return struct.pack(f"<{2 * len(values)}I", *(number for value in values for number in (value, 1)))
    return struct.pack(f"<{len(values)}{kind}", *values)
