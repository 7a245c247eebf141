"""Clouds, their shadows, cirrus and haze over the landscape."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import PIXEL_M
from infra.world.imaging.passes import Pass
from infra.world.noise import Field, fractal, generator, smoothstep

_BASE_M = 1350
"""Height of the clouds above ground."""

_OVERSCAN = 256
"""Pixels of sky painted beyond each edge, so that shadows may come from outside."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """The sky of one pass, `(row, col)` at 10 m.

    Attributes:
        cloud: opacity of cumulus, 0 to 1.
        light: brightness of the cloud, about 1.
        shadow: share of direct light that clouds take away, 0 to 1.
        cirrus: opacity of cirrus, 0 to 1.
        haze: DN added in the blue.
    """

    cloud: Field
    light: Field
    shadow: Field
    cirrus: Field
    haze: Field


def paint_sky(seed: int, overflight: Pass, shape: tuple[int, int], azimuth: float, elevation: float) -> Weather:
    """Return the weather of a pass under a given sun.

    Args:
        seed: the world's.
        overflight: the pass.
        shape: rows and columns at 10 m.
        azimuth: of the sun, degrees.
        elevation: of the sun, degrees.
    """
    share, thin = overflight.role.sky.value
    rng = generator(seed, "sky", overflight.datatake)
    wide = (shape[0] + 2 * _OVERSCAN, shape[1] + 2 * _OVERSCAN)
    longest = 512 if share > 0.5 else 256 if share > 0.15 else 128
    longest = min(longest, 1 << (min(shape) // 3).bit_length())
    puffs = fractal(rng, wide, longest=longest, shortest=4, gain=0.58)
    centre = np.s_[_OVERSCAN:-_OVERSCAN, _OVERSCAN:-_OVERSCAN]
    # Thin edges count as cloud in the SCL too, hence the step around the wanted quantile.
    edge = float(np.quantile(puffs[centre][::4, ::4], 1 - share))
    veil = smoothstep(puffs, edge - 0.1, edge + 0.62)
    east, north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    away = _BASE_M / np.tan(np.radians(elevation)) / PIXEL_M
    moved = _shifted(veil, down=away * north, right=-away * east)[centre]
    # Lit from the sun's side: brighter where the cloud thins out towards the sun.
    towards = _shifted(puffs, down=6 * north, right=-6 * east)
    light = 0.93 + np.clip(0.34 * (puffs - towards), -0.32, 0.22)
    cirrus = _cirrus(rng, shape, thin)
    haze = 26 + 14 * fractal(rng, shape, longest=512, shortest=128)
    return Weather(
        cloud=np.ascontiguousarray(veil[centre]),
        light=light[centre].astype(np.float32),
        shadow=np.ascontiguousarray(moved),
        cirrus=cirrus,
        haze=np.clip(haze, 0, 70).astype(np.float32),
    )


def _shifted(field: Field, down: float, right: float) -> Field:
    """Return the field moved by whole pixels; what leaves one edge comes back at the other."""
    return np.roll(field, (round(down), round(right)), (0, 1))


def _cirrus(rng: np.random.Generator, shape: tuple[int, int], share: float) -> Field:
    """Return slanting streaks, by stretching and shearing a narrow field."""
    if share <= 0:
        return np.zeros(shape, dtype=np.float32)
    stretch, lean = 6, 0.35
    width = int(shape[1] + lean * shape[0]) // stretch + 2
    narrow = fractal(rng, (shape[0], width), longest=128, shortest=4, gain=0.6)
    bulk = fractal(rng, shape, longest=512, shortest=128)
    row: NDArray[np.intp] = np.arange(shape[0])[:, None]
    at = (np.arange(shape[1])[None, :] + lean * row) / stretch
    left = at.astype(np.intp)
    part = (at - left).astype(np.float32)
    streaks = narrow[row, left] * (1 - part) + narrow[row, left + 1] * part + 1.6 * bulk
    edge = float(np.quantile(streaks[::4, ::4], 1 - share))
    return smoothstep(streaks, edge - 0.3, edge + 2.4) * np.float32(0.75)
