"""Geohashes of many points at once, equal to pygeohash's one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_DIGITS: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
_BITS: Final = 5
"""Of a digit."""


def geohashes(lon: NDArray[np.float64], lat: NDArray[np.float64], length: int) -> pa.Array:
    """Geohash of each point, an Arrow array of strings.

    Args:
        lon: degrees, -180..180, one-dimensional.
        lat: degrees, -90..90, in parallel.
        length: digits of each geohash, 1..12: bits of longitude and latitude in turn, longitude first.
    """
    import numpy as np
    import pyarrow as pa

    bits = length * _BITS
    lon_bits, lat_bits = (bits + 1) // 2, bits // 2
    of_lon, of_lat = _halvings(lon, 180.0, lon_bits), _halvings(lat, 90.0, lat_bits)
    digits = np.zeros((len(of_lon), length), np.uint8)
    for place in range(bits):
        source, left = (of_lat, lat_bits) if place % 2 else (of_lon, lon_bits)
        bit = (source >> (left - 1 - place // 2)) & 1
        digits[:, place // _BITS] |= (bit << (_BITS - 1 - place % _BITS)).astype(np.uint8)
    text = np.frombuffer(_DIGITS, np.uint8)[digits]
    ends = np.arange(0, (len(text) + 1) * length, length, dtype=np.int32)
    return pa.StringArray.from_buffers(len(text), pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(text)))


def _halvings(values: NDArray[np.float64], half: float, bits: int) -> NDArray[np.int64]:
    """Which of 2^bits equal parts of -half..half holds each value; a border belongs to the part above it.

    Borders are exact in floating point, shifting a value is not: so the part found is compared with its borders.
    """
    import numpy as np

    step = 2 * half / (1 << bits)
    part = np.floor((values + half) / step).astype(np.int64)
    part -= values < part * step - half
    part += values >= (part + 1) * step - half
    return np.clip(part, 0, (1 << bits) - 1)
