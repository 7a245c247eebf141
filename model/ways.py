"""The ways in which an artefact's encoder can run on a device.

Shipped to executors with `model.lean`, `model.program` and `model.processor`.
"""

import logging
from dataclasses import dataclass

from model.processor import here, onednn_refusal

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Way:
    """One of them.

    Attributes:
        path: `pt2`, the exported program, or `eager`, the module with the same weights.
        form: What computes it, one of `model.lean.FORMS`.
    """

    path: str
    form: str

    @property
    def name(self) -> str:
        """`pt2`, `eager`, or `eager+onednn`."""
        return "eager+onednn" if (self.path, self.form) == ("eager", "onednn") else self.path


PLAIN = Way(path="eager", form="plain")
"""Runs anywhere."""


def ways(precision: str, program_form: str, kind: str, written_by: str) -> tuple[Way, ...]:
    """Those that are possible here, the one that is expected to be fastest first.

    A program that this machine cannot run, or that another release of torch wrote, is passed over with one line in the
    log. The plain module runs anywhere, so there is always a way.

    Args:
        precision: Of the arithmetic.
        program_form: What the precision's program is written with.
        kind: Of device: `cpu`, `cuda` or `mps`.
        written_by: Version of torch that wrote the program.
    """
    import torch

    refusal = onednn_refusal(precision) if kind == "cpu" else f"oneDNN's products do not run on {kind}"
    found = [PLAIN]
    reason = refusal if program_form == "onednn" else None
    if _release(written_by) != _release(torch.__version__):
        reason = f"it was exported by torch {written_by}, this is {torch.__version__}"
    if reason is None:
        found.insert(0, Way(path="pt2", form=program_form))
    else:
        log.warning("the %s program is passed over, the module with the same weights runs: %s", precision, reason)
    if refusal is None and found[0] != Way(path="pt2", form="onednn"):
        found.insert(0, Way(path="eager", form="onednn"))
    if kind == "cpu" and here().prefers_plain:
        found.sort(key=lambda way: way.form != "plain")
    return tuple(found)


def _release(version: str) -> str:
    """A version without its build tag: `2.10.0+cu128` and `2.10.0+cpu` run the same programs."""
    return version.partition("+")[0]
