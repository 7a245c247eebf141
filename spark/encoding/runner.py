"""An exported program at work on one device."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spark.encoding.artefact import Artefact
from spark.encoding.errors import InputError, MemoryShortError
from spark.encoding.metadata import encode_metadata
from spark.encoding.program import BATCH
from spark.encoding.result import EncodeResult

if TYPE_CHECKING:
    from spark.encoding.program import Program

log = logging.getLogger(__name__)


class ProgramEncoder:
    """Runs a program over chips, in batches that fit.

    Attributes:
        model_version: Of the artefact.
        convention: How times and places are encoded.
        precision: Of the arithmetic.
        device: Where the program runs.
        batch: Chips per forward pass; halved for good whenever memory runs short.
    """

    def __init__(self, program: "Program", artefact: Artefact, *, convention: str, precision: str, device: str) -> None:
        self.model_version = artefact.model_version
        self.convention = convention
        self.precision = precision
        self.device = device
        self.batch = min(artefact.max_batch, BATCH[device.partition(":")[0]])
        self._program = program
        self._chip_shape = artefact.chip_shape
        self._dim = artefact.dim

    def encode(
        self, chips: NDArray[np.uint16], lonlat: NDArray[np.floating], when: Sequence[datetime] | NDArray[np.datetime64]
    ) -> EncodeResult:
        """Embed chips.

        Args:
            chips: `(n, band, row, col)` uint16 harmonised DN, 0 = nodata.
            lonlat: `(n, 2)` degrees, of the cells' centres.
            when: n acquisition times, aware or datetime64 in UTC.

        Returns:
            n vectors, in the chips' order, not of unit length. A chip whose vector is not finite spoils no other.

        Raises:
            InputError: Shape, type or range is wrong.
            MemoryShortError: One chip alone does not fit.
        """
        if chips.dtype != np.uint16 or chips.shape[1:] != self._chip_shape:
            wanted = ", ".join(map(str, self._chip_shape))
            raise InputError(f"chips are {chips.dtype} {chips.shape}; they must be uint16 (n, {wanted})")
        time, latlon = encode_metadata(self.convention, lonlat, when)
        if len(time) != len(chips):
            raise InputError(f"{len(chips)} chips but {len(time)} places and times; each chip needs one of both")
        vectors = np.empty((len(chips), self._dim), dtype=np.float32)
        done = 0
        while done < len(chips):
            rows = slice(done, done + self.batch)
            part = self._forward(chips[rows], time[rows], latlon[rows])
            if part is None:
                self._halve(len(chips[rows]))
                continue
            vectors[rows] = part
            done += len(part)
        return EncodeResult.judged(vectors)

    def _forward(
        self, chips: NDArray[np.uint16], time: NDArray[np.float32], latlon: NDArray[np.float32]
    ) -> NDArray[np.float32] | None:
        """One pass; None where memory ran short, so that nothing of it is still held when the caller tries again."""
        import torch

        try:
            with torch.inference_mode():
                # DN travel as uint16 and become float32 on the device: half the traffic.
                dn = torch.tensor(chips).to(self.device).to(torch.float32)
                metadata = (torch.tensor(values).to(self.device) for values in (time, latlon))
                vectors: NDArray[np.float32] = self._program(dn, *metadata).to("cpu", torch.float32).numpy()
        except torch.OutOfMemoryError:
            return None
        return vectors

    def _halve(self, tried: int) -> None:
        import torch

        if tried == 1:
            raise MemoryShortError(f"one chip alone does not fit into the memory of {self.device}; use a larger device")
        self.batch = tried // 2
        log.warning("%s ran out of memory with %d chips at once; going on with %d", self.device, tried, self.batch)
        if self.device != "cpu":
            torch.cuda.empty_cache()
