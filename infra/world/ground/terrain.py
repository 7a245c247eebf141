"""Hills: a plain with a wooded massif in its north-east corner."""

from dataclasses import dataclass

import numpy as np

from claylake.vocabulary import PIXEL_M
from infra.world.noise import Field, fractal, generator, smoothstep
from infra.world.place import Box

MASSIF_UV = (0.9, 0.88)
"""Centre of the massif, as fractions of the extent, eastwards and northwards."""


@dataclass(frozen=True, kw_only=True)
class Terrain:
    """Heights and slopes, `(row, col)` at 10 m, rows southwards.

    Attributes:
        height: metres above sea level.
        slope_east: rise per metre eastwards.
        slope_north: rise per metre northwards.
    """

    height: Field
    slope_east: Field
    slope_north: Field

    def shade(self, azimuth: float, elevation: float) -> Field:
        """Return the light on the ground relative to flat ground, 0.55 to 1.35.

        Lambert's cosine law; see Horn 1981, "Hill shading and the reflectance map".

        Args:
            azimuth: of the sun, degrees clockwise from north.
            elevation: of the sun above the horizon, degrees.
        """
        azimuth, zenith = np.radians(azimuth), np.radians(90 - elevation)
        tilt = np.tan(zenith)
        light = 1 - self.slope_east * np.float32(np.sin(azimuth) * tilt)
        light -= self.slope_north * np.float32(np.cos(azimuth) * tilt)
        light /= np.sqrt(1 + self.slope_east**2 + self.slope_north**2)
        return np.asarray(np.clip(light, 0.55, 1.35), dtype=np.float32)


def plane(extent: Box) -> tuple[Field, Field]:
    """Return pixel centres as fractions of the extent: a row of eastings, a column of northings."""
    rows, cols = extent.shape
    east = (np.arange(cols, dtype=np.float32) + 0.5) / cols
    north = 1 - (np.arange(rows, dtype=np.float32) + 0.5) / rows
    return east[None, :].astype(np.float32), north[:, None].astype(np.float32)


def raise_terrain(seed: int, extent: Box) -> Terrain:
    """Return the terrain of an extent."""
    shape = extent.shape
    east, north = plane(extent)
    span = min(shape) * PIXEL_M
    swell = fractal(generator(seed, "swell"), shape, longest=512, shortest=32, gain=0.5)
    relief = fractal(generator(seed, "relief"), shape, longest=256, shortest=4, gain=0.5)
    folds = fractal(generator(seed, "folds"), shape, longest=128, shortest=4, gain=0.5)
    away = np.hypot(east - MASSIF_UV[0], north - MASSIF_UV[1]) + np.float32(0.035) * swell
    massif = 1 - smoothstep(away, 0.0, 0.5)
    # Ridges: the absolute value of noise has sharp creases, which upside down are crests.
    crest = (1 - np.abs(relief)) + 0.35 * (1 - np.abs(folds))
    top = 0.034 * span
    height = 460 + 11 * swell + 3 * relief
    height += massif * np.float32(top) + massif * np.float32(0.36 * top) * crest
    height = height.astype(np.float32)
    slope_south, slope_east = np.gradient(height, PIXEL_M)
    return Terrain(
        height=height,
        slope_east=slope_east.astype(np.float32),
        slope_north=-slope_south.astype(np.float32),
    )
