"""The encoder of the embed job: a model's artefact in, vectors out.

    encoder = load_encoder(folder, convention="tutorial")
    result = encoder.encode(chips, lonlat, when)

Nothing here imports torch until an encoder is loaded: drivers run on machines that have none.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spark.encoding.artefact import read_artefact
from spark.encoding.errors import EncoderError
from spark.encoding.program import choose_device, load_program
from spark.encoding.result import EncodeResult
from spark.encoding.runner import ProgramEncoder
from spark.encoding.selfcheck import check_reference

__all__ = ["EncodeResult", "Encoder", "EncoderError", "load_encoder"]

log = logging.getLogger(__name__)


class Encoder(Protocol):
    """What the embed job needs of any encoder; the three names are stored with every vector."""

    model_version: str
    convention: str
    precision: str

    def encode(
        self, chips: NDArray[np.uint16], lonlat: NDArray[np.floating], when: Sequence[datetime] | NDArray[np.datetime64]
    ) -> EncodeResult:
        """Embed `(n, band, row, col)` uint16 DN, at `(n, 2)` degrees, taken at n times in UTC, in order."""
        ...


def load_encoder(folder: Path, *, convention: str, precision: str = "fp32", device: str | None = None) -> Encoder:
    """Load an artefact, and prove it on this machine before it may embed anything.

    Args:
        folder: With model.json, encoder.pt2 and reference.npz.
        convention: How times and places are fed; one of those the artefact lists.
        precision: Of the arithmetic; one of those the artefact lists.
        device: `cpu`, `cuda` or `cuda:<n>`; None takes a GPU where there is one.

    Returns:
        An encoder that has just reproduced the artefact's reference vectors.

    Raises:
        EncoderError: A file is missing or altered, torch is of another version, a choice is not offered, the device is
            absent, or the reference vectors did not come out. The subclass says which, the message what to do.
    """
    started = time.monotonic()
    artefact = read_artefact(folder)
    artefact.require(convention=convention, precision=precision)
    device = choose_device(device)
    program = load_program(artefact, device)
    encoder = ProgramEncoder(program, artefact, convention=convention, precision=precision, device=device)
    error = check_reference(encoder, artefact)
    log.info(
        "%s on %s (%s, %s) is %.1g from its reference; ready in %.1f s",
        encoder.model_version,
        device,
        precision,
        convention,
        error,
        time.monotonic() - started,
    )
    return encoder
