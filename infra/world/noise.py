"""Smooth random fields, the paint of everything in the demo world.

All fields are float32 `(row, col)`, of mean about 0 and standard deviation about 1, and
depend on their generator alone: elementwise arithmetic only, no threaded linear algebra.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def generator(seed: int, *names: object) -> np.random.Generator:
    """Return the generator of a named layer, so that layers do not depend on painting order."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, int],
    longest: int,
    shortest: int = 1,
    gain: float = 0.5,
) -> Field:
    """Return fractal noise whose features span `longest` down to `shortest` pixels.

    Every octave adds white noise `gain` times as strong on a lattice twice as fine, and cubic
    B-spline subdivision carries the sum there (Lane and Riesenfeld 1980), which costs little
    more than its last step.

    Args:
        rng: source of the field.
        shape: rows and columns.
        longest: feature size of the first octave, pixels; rounded to a power of two.
        shortest: feature size of the last octave, pixels; rounded to a power of two.
        gain: amplitude of an octave relative to the one before.
    """
    levels = max(0, round(np.log2(longest)))
    last = max(0, round(np.log2(shortest)))
    sizes = [shape]
    for _ in range(levels):
        sizes.append((-(-sizes[-1][0] // 2) + 2, -(-sizes[-1][1] // 2) + 2))
    field = rng.standard_normal(sizes[levels], dtype=np.float32)
    amplitude = 1.0
    for level in range(levels - 1, -1, -1):
        field = _double(_double(field, 0), 1)[: sizes[level][0], : sizes[level][1]]
        if level >= last:
            amplitude *= gain
            field += np.float32(amplitude) * rng.standard_normal(sizes[level], dtype=np.float32)
    return normalised(field)


def normalised(field: Field) -> Field:
    """Shift and scale in place to mean 0 and standard deviation 1."""
    field -= np.float32(field.mean(dtype=np.float64))
    field /= np.float32(max(float(field.std(dtype=np.float64)), 1e-9))
    return field


def _double(field: Field, axis: int) -> Field:
    """Subdivide a cubic B-spline surface once along an axis: n values become 2 (n - 2)."""
    a = np.moveaxis(field, axis, 0)
    out = np.empty((2 * (a.shape[0] - 2), *a.shape[1:]), dtype=np.float32)
    out[0::2] = (a[:-2] + a[2:]) * np.float32(0.125) + a[1:-1] * np.float32(0.75)
    out[1::2] = (a[1:-1] + a[2:]) * np.float32(0.5)
    return np.moveaxis(out, 0, axis)


def blurred(field: Field) -> Field:
    """Return the field under a 1-2-1 kernel each way, about the sensor's point spread."""
    padded = np.pad(field, 1, mode="edge")
    rows = padded[:-2] + padded[2:]
    rows += padded[1:-1]
    rows += padded[1:-1]
    out = rows[:, :-2] + rows[:, 2:]
    out += rows[:, 1:-1]
    out += rows[:, 1:-1]
    out *= np.float32(1 / 16)
    return out


def halved(field: Field) -> Field:
    """Return the mean of every 2 x 2 pixels: a 10 m field at 20 m."""
    out = field[0::2, 0::2] + field[0::2, 1::2]
    out += field[1::2, 0::2]
    out += field[1::2, 1::2]
    out *= np.float32(0.25)
    return out


def smoothstep(field: Field, low: float, high: float) -> Field:
    """Return 0 below `low`, 1 above `high` and a smooth step between.

    Args:
        field: any values.
        low: where the step begins.
        high: where the step ends, above `low`.
    """
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1).astype(np.float32)
    return np.asarray(t * t * (np.float32(3) - np.float32(2) * t))
