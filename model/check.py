"""Self-check of an artefact: every precision, under every convention, by every path, beside its reference."""

import logging
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file

from model.arch import device_for
from model.artefact import read_whole
from model.errors import ParityError
from model.execution import PLAIN, executions
from model.format import REFERENCE, WEIGHTS, Description
from model.lean import LeanConfig, load_lean
from model.parity import TOLERANCES, Parity
from model.program import Vectors, lay_out_encoder, load_program
from model.reference import Reference

log = logging.getLogger(__name__)

COLUMNS = ("model", "precision", "path", "convention", "max error", "1 - cosine", "norm", "largest", "verdict")


def check(folder: Path, *, compiled: bool = False) -> str:
    """Check an artefact on this machine.

    Args:
        folder: Of the artefact.
        compiled: The eager module under `torch.compile`, too.

    Returns:
        A Markdown table. Norm and largest component are the reference's medians: for the published weights, they are to
        be compared with the published examples by eye.

    Raises:
        ArtefactError: The folder is not whole.
        ParityError: A path is further off than its precision may be; the table is in the log by then.
    """
    described = read_whole(folder)
    torch.set_float32_matmul_precision("highest")
    device = device_for(described.arch)
    reference = Reference.read(folder / REFERENCE)
    rows, wrong = [], []
    for precision, path, vectors in _paths(folder, described, device, compiled=compiled):
        got = reference.embed(vectors, device)
        for place, convention in enumerate(reference.conventions):
            parity = Parity.measure(got[place], reference.vectors[place])
            verdict = "ok"
            try:
                TOLERANCES[precision].check(f"{precision} by {path}", parity)
            except ParityError as error:
                verdict = "REFUSED"
                wrong.append(error)
            rows.append(
                (described.name, precision, path, str(convention), *_numbers(parity, reference, place), verdict)
            )
            log.info("%s", "  ".join(rows[-1]))
    table = markdown(COLUMNS, rows)
    if wrong:
        log.error("\n%s", table)
        raise wrong[0]
    return f"{described.model_version} on {device}, torch {torch.__version__}\n\n{table}"


def markdown(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = (columns, tuple("---" for _ in columns), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _paths(folder: Path, described: Description, device: str, *, compiled: bool) -> Iterator[tuple[str, str, Vectors]]:
    """Each precision by every execution path that is possible here, one at a time in memory."""
    config = LeanConfig.of_architecture(described.architecture, bands=len(described.bands), chip_px=described.chip_px)
    for precision, offer in described.precisions.items():
        for execution in executions(precision, offer.form, device, described.torch):
            if execution.kind == "pt2":
                yield precision, execution.name, load_program(folder / offer.program, device)
                continue
            module = load_lean(config, load_file(folder / WEIGHTS, device=device), precision, execution.form)
            lay_out_encoder(module)
            yield precision, execution.name, module
            if compiled and execution == PLAIN:
                yield precision, "compiled", torch.compile(module)


def _numbers(parity: Parity, reference: Reference, place: int) -> tuple[str, ...]:
    vectors = torch.from_numpy(reference.vectors[place])
    norm, largest = vectors.norm(dim=1).median(), vectors.abs().amax(dim=1).median()
    return f"{parity.max_error:.2g}", f"{1 - parity.min_cosine:.2g}", f"{norm:.2f}", f"{largest:.2f}"
