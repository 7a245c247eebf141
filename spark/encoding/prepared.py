"""Chips on the encoder's device, ready to be encoded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Input of n chips on the encoder's device.

    Attributes:
        dn: `(n, band, row, col)` uint16.
        time: `(n, 4)` float32.
        latlon: `(n, 4)` float32.
    """

    dn: "torch.Tensor"
    time: "torch.Tensor"
    latlon: "torch.Tensor"

    def __len__(self) -> int:
        return len(self.dn)

    def take(self, rows: NDArray[np.intp]) -> "Prepared":
        """Some of the rows, in the order given; a run of neighbours is not copied."""
        first, count = int(rows[0]), len(rows)
        if np.array_equal(rows, np.arange(first, first + count)):
            some = slice(first, first + count)
            return Prepared(dn=self.dn[some], time=self.time[some], latlon=self.latlon[some])
        # Row by row: uint16 has no gathering kernel on every device, but copies work on all.
        held = [tensor.new_empty((count, *tensor.shape[1:])) for tensor in (self.dn, self.time, self.latlon)]
        for place, row in enumerate(rows.tolist()):
            for target, source in zip(held, (self.dn, self.time, self.latlon), strict=True):
                target[place].copy_(source[row])
        dn, time, latlon = held
        return Prepared(dn=dn, time=time, latlon=latlon)

    def filled(self, count: int) -> "Prepared":
        """The same rows, and rows of zeros up to `count`."""
        held = [tensor.new_zeros((count, *tensor.shape[1:])) for tensor in (self.dn, self.time, self.latlon)]
        for target, source in zip(held, (self.dn, self.time, self.latlon), strict=True):
            target[: len(self)].copy_(source)
        dn, time, latlon = held
        return Prepared(dn=dn, time=time, latlon=latlon)
