"""The encoder of the embed job: a model's artefact in, vectors out.

    encoder = load_encoder(folder, convention="tutorial")
    result = encoder.encode(chips, lonlat, when)

Nothing here imports torch until an encoder is loaded: drivers run on machines that have none.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spark.encoding.artefact import read_artefact
from spark.encoding.device import choose_device
from spark.encoding.errors import EncoderError
from spark.encoding.proving import Trial, prove
from spark.encoding.result import EncodeResult

__all__ = ["EncodeResult", "Encoder", "EncoderError", "load_encoder"]


class Encoder(Protocol):
    """What the embed job needs of any encoder.

    `model_version`, `convention` and `precision` are stored with every vector, `device` and `path` (how the network
    runs) with the run; `batch` is how many chips it likes to be given at once, and may fall.
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

    def room(self, count: int) -> NDArray[np.uint16]:
        """Uninitialised `(count, band, row, col)` to decode chips into."""
        ...

    def prepare(
        self, chips: NDArray[np.uint16], lonlat: NDArray[np.floating], when: Sequence[datetime] | NDArray[np.datetime64]
    ) -> Any:
        """Bring `(n, band, row, col)` uint16 DN, at `(n, 2)` degrees, taken at n times in UTC, to the device."""
        ...

    def run(self, prepared: Any) -> EncodeResult:
        """Embed what `prepare` gave, in order. `prepare` of the next batch may run at the same time."""
        ...


def load_encoder(
    folder: Path,
    *,
    convention: str,
    precision: str = "auto",
    path: str = "auto",
    device: str | None = None,
    batch: int | None = None,
    fetch: Callable[[str], object] | None = None,
    memory: Path | None = None,
) -> Encoder:
    """Load an artefact, and prove it on this machine before it may embed anything.

    Args:
        folder: With model.json; other files are fetched into it when they are needed.
        convention: How times and places are fed; one of those the artefact lists.
        precision: Of the arithmetic; one of those the artefact lists, or `auto`: what this device is good at, if it
            passes its self-check, else fp32.
        path: How the network runs: `pt2`, `eager`, `eager+onednn`, or `auto`: on CPUs the quickest that passes its
            self-check, on GPUs the first.
        device: `cpu`, `cuda`, `cuda:<n>` or `mps`; None takes a GPU where there is one.
        batch: Chips per forward pass; None finds the size with the most chips per second.
        fetch: Brings a named file into the folder; None where the folder is whole.
        memory: Folder in which found batch sizes and ways are kept for the machine's other workers.

    Returns:
        An encoder that has just reproduced the artefact's reference vectors.

    Raises:
        EncoderError: A file is missing or altered, a choice is not offered, the device is absent, or the reference
            vectors did not come out. The subclass says which, the message what to do.
    """
    artefact = read_artefact(folder, fetch)
    artefact.require_convention(convention)
    chosen = choose_device(device, artefact.described.arch)
    trial = Trial(convention=convention, precision=precision, path=path, device=chosen, batch=batch, memory=memory)
    return prove(artefact, trial)
