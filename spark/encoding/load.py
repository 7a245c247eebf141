"""From an artefact's folder to an encoder that may go to work."""

from collections.abc import Callable
from pathlib import Path

from spark.encoding.artefact import read_artefact
from spark.encoding.device import choose_device
from spark.encoding.proving import Trial, prove
from spark.encoding.runner import NetworkEncoder


def load_encoder(
    folder: Path,
    *,
    convention: str,
    precision: str = "auto",
    path: str = "auto",
    device: str | None = None,
    batch: int | None = None,
    fetch: Callable[[str], object] | None = None,
    tuning: Path | None = None,
) -> NetworkEncoder:
    """Load an artefact, and prove it on this machine before it may embed anything.

    Args:
        folder: With model.json; other files are fetched into it when they are needed.
        convention: How times and places are fed; one of those the artefact lists.
        precision: Of the arithmetic; one of those the artefact lists, or `auto`: the fast one of this device, if
            it passes its self-check, else fp32.
        path: How the network runs: `pt2`, `eager`, `eager+onednn`, or `auto`: on CPUs the quickest that passes its
            self-check, on GPUs the first.
        device: `cpu`, `cuda`, `cuda:<n>` or `mps`; None takes a GPU where there is one.
        batch: Chips per forward pass; None finds the size with the most chips per second.
        fetch: Brings a named file into the folder; None where the folder is whole.
        tuning: Folder in which the batch size and the path that were found are kept for the machine's other workers;
            None where each worker finds its own.

    Returns:
        An encoder that has just reproduced the artefact's reference vectors.

    Raises:
        EncoderError: A file is missing or altered, a choice is not offered, the device is absent, or the reference
            vectors did not come out. The subclass distinguishes them; the message says what to do.
    """
    artefact = read_artefact(folder, fetch)
    artefact.require_convention(convention)
    chosen = choose_device(device, artefact.described.arch)
    trial = Trial(convention=convention, precision=precision, path=path, device=chosen, batch=batch, tuning=tuning)
    return prove(artefact, trial)
