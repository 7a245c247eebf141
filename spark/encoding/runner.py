"""An encoder: a network on one device, fed in batches."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spark.encoding.artefact import Artefact
from spark.encoding.conventions import encode_metadata
from spark.encoding.device import kind_of
from spark.encoding.errors import InputError, MemoryShortError
from spark.encoding.network import Network
from spark.encoding.poison import isolate
from spark.encoding.prepared import Prepared
from spark.encoding.result import EncodeResult

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)


class NetworkEncoder:
    """Runs a network over chips, in batches that fit.

    Attributes:
        model_version: Of the artefact.
        convention: How times and places are encoded.
        precision: Of the arithmetic.
        device: Where the network runs.
        network: What runs; may be replaced by another of the same vectors.
        batch: Chips per forward pass; halved for good whenever memory runs short.
        recheck: Raises if the device no longer reproduces the reference; called before a chip is counted as a failure.
    """

    def __init__(
        self, network: Network, artefact: Artefact, *, convention: str, precision: str, device: str, batch: int
    ) -> None:
        self.model_version = artefact.described.model_version
        self.convention = convention
        self.precision = precision
        self.device = device
        self.network = network
        self.batch = batch
        self.recheck: Callable[[], None] = lambda: None
        self._chip_shape = artefact.chip_shape
        self._dim = artefact.described.dim
        self._upload: torch.cuda.Stream | None = None

    @property
    def path(self) -> str:
        """How the network runs: `pt2`, `eager` or `eager+onednn`, with `+graph` where a recording is replayed."""
        return self.network.path

    def buffer(self, count: int) -> NDArray[np.uint16]:
        """Uninitialised `(count, band, row, col)` to decode into; page-locked where that speeds the upload."""
        import torch

        pinned = kind_of(self.device) == "cuda"
        buffer: NDArray[np.uint16] = torch.empty(
            (count, *self._chip_shape), dtype=torch.uint16, pin_memory=pinned
        ).numpy()
        return buffer

    def prepare(
        self, chips: NDArray[np.uint16], lonlat: NDArray[np.floating], when: Sequence[datetime] | NDArray[np.datetime64]
    ) -> Prepared:
        """Check chips, places and times, and bring them to the device. May run beside `run`, in another thread.

        Args:
            chips: `(n, band, row, col)` uint16 harmonised DN, 0 = nodata; not to be changed before `run` is done.
            lonlat: `(n, 2)` degrees, of the cells' centres.
            when: n acquisition times, aware or datetime64 in UTC.

        Raises:
            InputError: Shape, type or range is wrong.
        """
        import torch

        if chips.dtype != np.uint16 or chips.shape[1:] != self._chip_shape:
            wanted = ", ".join(map(str, self._chip_shape))
            raise InputError(f"chips are {chips.dtype} {chips.shape}; they must be uint16 (n, {wanted})")
        time, latlon = encode_metadata(self.convention, lonlat, when)
        if len(time) != len(chips):
            raise InputError(f"{len(chips)} chips but {len(time)} places and times; each chip needs one of both")
        # torch warns of arrays that it could write to but must not.
        dn = torch.from_numpy(chips) if chips.flags.writeable else torch.tensor(chips)
        if kind_of(self.device) != "cuda":
            return Prepared(
                dn=dn.to(self.device),
                time=torch.from_numpy(time).to(self.device),
                latlon=torch.from_numpy(latlon).to(self.device),
            )
        self._upload = self._upload or torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        with torch.cuda.stream(self._upload):
            moved = [
                values.to(self.device, non_blocking=True) for values in (dn, *map(torch.from_numpy, (time, latlon)))
            ]
        self._upload.synchronize()
        return Prepared(dn=moved[0], time=moved[1], latlon=moved[2])

    def run(self, prepared: Prepared) -> EncodeResult:
        """Embed what `prepare` gave, in order; vectors are not of unit length.

        Chips whose vector is not finite, or that make the network fail, are found by halving; they spoil no other.

        Raises:
            MemoryShortError: One chip alone does not fit.
            UnsoundError: The device no longer reproduces the reference: no chip is to blame.
        """
        vectors, raised = isolate(lambda rows: self.raw(prepared.take(rows)), len(prepared), self._dim, self.recheck)
        return EncodeResult.judged(vectors, raised)

    def encode(
        self, chips: NDArray[np.uint16], lonlat: NDArray[np.floating], when: Sequence[datetime] | NDArray[np.datetime64]
    ) -> EncodeResult:
        """`prepare`, then `run`.

        Args:
            chips: As of `prepare`.
            lonlat: As of `prepare`.
            when: As of `prepare`.
        """
        return self.run(self.prepare(chips, lonlat, when))

    def raw(self, prepared: Prepared) -> NDArray[np.float32]:
        """The network's output as it is, finite or not: `(n, dim)`, in batches that fit.

        Raises:
            RuntimeError: The network failed.
            MemoryShortError: One chip alone does not fit.
        """
        vectors = np.empty((len(prepared), self._dim), dtype=np.float32)
        done = 0
        while done < len(prepared):
            rows = np.arange(done, min(done + self.batch, len(prepared)))
            part = self._full(prepared.take(rows))
            if part is None:
                self._halve()
                continue
            vectors[rows] = part
            done += len(rows)
        return vectors

    def _full(self, part: Prepared) -> NDArray[np.float32] | None:
        """A pass in the shape of a whole batch, filled up with zeros.

        Matrix products of another size are summed in another order: a vector would depend, in its last bits, on how
        many chips share its batch, and an interrupted run would differ from one that was not.
        """
        count = len(part)
        made = self.once(part if count == self.batch else part.filled(self.batch))
        return None if made is None else made[:count]

    def once(self, part: Prepared) -> NDArray[np.float32] | None:
        """One pass of all; None where memory ran short, so that nothing of it is held when the caller tries again."""
        import torch

        try:
            with torch.inference_mode():
                made = self.network.forward(part.dn, part.time, part.latlon)
                vectors: NDArray[np.float32] = made.to("cpu", torch.float32).numpy()
        except RuntimeError as error:
            if not memory_short(error):
                raise
            return None
        return vectors

    def _halve(self) -> None:
        import torch

        tried = self.batch
        if self.network.plain is not None:
            self.network = self.network.plain  # a recording holds memory of its own
        elif tried == 1:
            raise MemoryShortError(f"one chip alone does not fit into the memory of {self.device}; use a larger device")
        else:
            self.batch = tried // 2
        log.warning("%s ran out of memory with %d chips at once; going on with %d", self.device, tried, self.batch)
        if kind_of(self.device) == "cuda":
            torch.cuda.empty_cache()


def memory_short(error: RuntimeError) -> bool:
    """Whether an error of torch means that memory ran out; for the machine's own memory, only its text says so."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
