"""Chips to measure with: seeded, and like real ones."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.config import CHIP_PX
from model.conventions import time_and_place

SPECTRA = np.array(
    [
        (400, 350, 250, 220, 200, 190, 180, 170, 100, 80),
        (250, 450, 300, 800, 2200, 2700, 2900, 3000, 1500, 700),
        (450, 800, 600, 1300, 2900, 3500, 3700, 3800, 2200, 1200),
        (900, 1300, 1800, 2100, 2300, 2500, 2700, 2800, 3400, 3000),
        (8500, 8500, 8300, 8200, 8000, 7800, 7600, 7300, 1000, 800),
    ]
)
"""Harmonised DN of water, forest, crop, bare soil and snow, in Clay's order of bands."""


@dataclass(frozen=True, kw_only=True)
class Chips:
    """Input of an encoder.

    Attributes:
        dn: `[n, 10, 256, 256]` float32.
        time: `[n, 4]` float32.
        latlon: `[n, 4]` float32.
    """

    dn: Tensor
    time: Tensor
    latlon: Tensor

    def batches(self, size: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Cut into batches of at most `size`."""
        cuts = [slice(begin, begin + size) for begin in range(0, len(self.dn), size)]
        return [(self.dn[cut], self.time[cut], self.latlon[cut]) for cut in cuts]

    def to(self, device: str) -> "Chips":
        """The same on a device."""
        return Chips(dn=self.dn.to(device), time=self.time.to(device), latlon=self.latlon.to(device))


def realistic_chips(count: int, seed: int = 0, convention: str = "tutorial") -> Chips:
    """Paint patches of land cover with texture and noise, somewhere and some time.

    Args:
        count: Number of chips.
        seed: Of the painting.
        convention: How time and place are encoded.
    """
    rng = np.random.default_rng(seed)
    dn = np.stack([_chip(rng) for _ in range(count)])
    lonlat = [(float(rng.uniform(-180, 180)), float(rng.uniform(-60, 75))) for _ in range(count)]
    when = [datetime(2023, 1, 1, 10, tzinfo=UTC) + timedelta(hours=float(rng.uniform(0, 8760))) for _ in range(count)]
    time, latlon = time_and_place(convention, lonlat, when)
    return Chips(dn=torch.from_numpy(dn), time=time, latlon=latlon)


def extreme_chips(convention: str = "tutorial") -> Chips:
    """Seven chips at the ends of uint16: nodata, one DN, saturation, a half of each, stripes, noise, a lone pixel."""
    band, row, col = np.ogrid[:10, :CHIP_PX, :CHIP_PX]
    whole = np.zeros((10, CHIP_PX, CHIP_PX))
    noise = np.random.default_rng(0).integers(0, 65536, whole.shape)
    lone = whole.copy()
    lone[:, 100, 31] = 65535
    stripes = 65535 * ((row + col + band) % 2)
    dn = np.stack([whole, whole + 1, whole + 65535, 65535 * (row < 128) + whole, stripes, noise, lone])
    places = [(0.0, 0.0), (180.0, 90.0), (-180.0, -90.0), (-179.99, 66.0), (8.5, 47.4), (0.0, 90.0), (90.0, -45.0)]
    days = (datetime(2020, 12, 31, 23, 59, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
    time, latlon = time_and_place(convention, places, [days[place % 2] for place in range(len(places))])
    return Chips(dn=torch.from_numpy(dn.astype(np.float32)), time=time, latlon=latlon)


def _chip(rng: np.random.Generator) -> NDArray[np.float32]:
    """`(10, 256, 256)`: fields of 32 pixels, each of one cover."""
    cover = rng.integers(0, len(SPECTRA), (8, 8)).repeat(32, 0).repeat(32, 1)
    texture = 1 + rng.normal(0, 0.12, (64, 64)).repeat(4, 0).repeat(4, 1)
    noisy = SPECTRA[cover].transpose(2, 0, 1) * texture + rng.normal(0, 40, (10, CHIP_PX, CHIP_PX))
    return np.clip(np.round(noisy), 1, 65535).astype(np.float32)
