"""What varies inside fields, forests and water."""

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import PIXEL_M
from infra.world.ground.cadastre import Cadastre
from infra.world.ground.units import Kind
from infra.world.noise import Field, blurred, fractal, generator


def soil_pattern(seed: int, shape: tuple[int, int], cadastre: Cadastre) -> Field:
    """Return soil moisture, and the rows that machines leave along each parcel.

    Args:
        seed: the world's.
        shape: rows and columns at 10 m.
        cadastre: the parcels, of that shape, and the directions of their rows.
    """
    soil = fractal(generator(seed, "soil"), shape, longest=64, shortest=4, gain=0.55)
    north = -PIXEL_M * np.arange(shape[0], dtype=np.float32)[:, None]
    east = PIXEL_M * np.arange(shape[1], dtype=np.float32)[None, :]
    turn = cadastre.headings.astype(np.float32)
    across = north * np.cos(turn)[cadastre.parcel] - east * np.sin(turn)[cadastre.parcel]
    # Tramlines every 36 m, as wide booms leave them.
    soil += fractal(generator(seed, "region"), shape, longest=512, shortest=128)
    soil += np.float32(0.4) * np.sin(across * np.float32(2 * np.pi / 36))
    return soil


def crown_grain(seed: int, kind: NDArray[np.uint8]) -> Field:
    """Return crowns lit from the south-east over mottled stands, and faint streaks on water."""
    rng = generator(seed, "grain")
    crowns = blurred(rng.standard_normal(kind.shape, dtype=np.float32))
    lit = crowns - np.roll(crowns, (1, 1), (0, 1))
    mottle = fractal(rng, kind.shape, longest=32, shortest=4, gain=0.7)
    strength = np.zeros(len(Kind), dtype=np.float32)
    strength[[Kind.CONIFER, Kind.DECIDUOUS, Kind.TREES]] = (1.0, 0.8, 0.9)
    out = strength[kind] * (np.float32(0.17) * lit + np.float32(0.055) * mottle)
    wet = (kind == Kind.LAKE) | (kind == Kind.RIVER)
    return np.where(wet, np.float32(0.05) * mottle, out).astype(np.float32)
