"""What the embed job needs of any encoder."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spark.encoding.prepared import Prepared
from spark.encoding.result import EncodeResult


class Encoder(Protocol):
    """Chips in, vectors out, on one device.

    `model_version`, `convention` and `precision` are stored with every vector, `device` and `path` (how the network
    runs) with the run; `batch` is the number of chips per pass, and may fall.
    """

    model_version: str
    convention: str
    precision: str
    device: str
    batch: int

    @property
    def path(self) -> str:
        """How the network runs."""
        ...

    def buffer(self, count: int) -> NDArray[np.uint16]:
        """Uninitialised `(count, band, row, col)` to decode chips into."""
        ...

    def prepare(
        self, chips: NDArray[np.uint16], lonlat: NDArray[np.floating], when: Sequence[datetime] | NDArray[np.datetime64]
    ) -> Prepared:
        """Bring chips, places and times to the device.

        Args:
            chips: `(n, band, row, col)` uint16 harmonised DN, 0 = nodata; not to be changed before `run` is done.
            lonlat: `(n, 2)` degrees, of the cells' centres.
            when: n acquisition times, aware or datetime64 in UTC.
        """
        ...

    def encode(
        self, chips: NDArray[np.uint16], lonlat: NDArray[np.floating], when: Sequence[datetime] | NDArray[np.datetime64]
    ) -> EncodeResult:
        """`prepare`, then `run`.

        Args:
            chips: As of `prepare`.
            lonlat: As of `prepare`.
            when: As of `prepare`.
        """
        ...

    def run(self, prepared: Prepared) -> EncodeResult:
        """Embed what `prepare` gave, in order. `prepare` of the next batch may run at the same time."""
        ...
