"""Reference inputs, and the vectors a right encoder gives for them."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.buildable import Buildable
from model.config import CHIP_PX
from model.conventions import CONVENTIONS, time_and_place
from model.program import Vectors

LONLAT = ((-8.57207, 37.30939), (151.2, -33.9), (-179.95, 68.4))
"""Northern, southern, and at the antimeridian."""

WHEN = (
    datetime(2018, 8, 28, 11, 30, 56, tzinfo=UTC),
    datetime(2020, 12, 31, 0, 2, 1, tzinfo=UTC),
    datetime(2023, 1, 1, 23, 59, 59, tzinfo=UTC),
)
"""An ordinary week; ISO week 53; a first of January that belongs to the old year's week 52."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Inputs and expected output of a self-check.

    Attributes:
        chips: `(n, band, row, col)` uint16 DN.
        lonlat: `(n, 2)` float64 degrees.
        when: `(n,)` ISO 8601 text, UTC.
        conventions: `(k,)` text.
        vectors: `(k, n, out_dim)` float32.
    """

    chips: NDArray[np.uint16]
    lonlat: NDArray[np.float64]
    when: NDArray[np.str_]
    conventions: NDArray[np.str_]
    vectors: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> "Reference":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as held:
            return cls(**{field.name: held[field.name] for field in fields(cls)})

    def embed(self, program: Vectors, device: str = "cpu") -> NDArray[np.float32]:
        """Run a program over the chips under every convention; `(k, n, out_dim)`."""
        lonlat = [(float(lon), float(lat)) for lon, lat in self.lonlat]
        when = [datetime.fromisoformat(str(moment)) for moment in self.when]
        dn = torch.from_numpy(self.chips.astype(np.float32)).to(device)
        with torch.inference_mode():
            per_convention = [
                program(dn, *(values.to(device) for values in time_and_place(str(name), lonlat, when)))
                for name in self.conventions
            ]
        return np.stack([vectors.cpu().numpy() for vectors in per_convention])

    def save(self, path: Path) -> None:
        """Write an `.npz` that reads without pickle."""
        np.savez_compressed(
            path,
            allow_pickle=False,
            chips=self.chips,
            lonlat=self.lonlat,
            when=self.when,
            conventions=self.conventions,
            vectors=self.vectors,
        )


def reference_chips(bands: int) -> NDArray[np.uint16]:
    """Paint three chips by integer arithmetic: slopes and checks, the same with a corner of nodata, and extremes.

    Returns:
        `(3, bands, 256, 256)`.
    """
    band, row, col = np.ogrid[:bands, :CHIP_PX, :CHIP_PX]
    slopes = 300 + 170 * band + 5 * row + 2 * col + 400 * ((row // 24 + col // 40 + band) % 2)
    cornered = np.where((row + 2 * col < CHIP_PX), 0, slopes[:, ::-1] * 2)
    extremes = np.where((row // 64 + col // 64) % 2 == 0, 1, 65535) + 0 * band
    return np.stack((slopes, cornered, extremes)).astype(np.uint16)


def make_reference(model: Buildable) -> Reference:
    """Embed the reference chips plainly, under every convention."""
    chips = reference_chips(len(model.sensor.bands))
    dn = torch.from_numpy(chips.astype(np.float32))
    vectors = [model.reference(dn, *time_and_place(name, LONLAT, WHEN)).numpy() for name in CONVENTIONS]
    return Reference(
        chips=chips,
        lonlat=np.array(LONLAT),
        when=np.array([moment.isoformat() for moment in WHEN]),
        conventions=np.array(CONVENTIONS),
        vectors=np.stack(vectors),
    )
