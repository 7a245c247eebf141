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


def ways(precision: str, program_form: str, kind: str) -> tuple[Way, ...]:
    """Those that are possible here, the one that is expected to be fastest first.

    A program that this machine cannot run is passed over, with one line in the log. The plain module runs anywhere, so
    there is always a way.

    Args:
        precision: Of the arithmetic.
        program_form: What the precision's program is written with.
        kind: Of device: `cpu`, `cuda` or `mps`.
    """
    refusal = onednn_refusal(precision) if kind == "cpu" else f"oneDNN's products do not run on {kind}"
    found = [PLAIN]
    if refusal is None and program_form != "onednn":
        found.insert(0, Way(path="eager", form="onednn"))
    if program_form == "onednn" and refusal is not None:
        log.warning("the %s program is passed over, the module with the same weights runs: %s", precision, refusal)
    else:
        found.insert(0, Way(path="pt2", form=program_form))
    if kind == "cpu" and here().prefers_plain:
        found.sort(key=lambda way: way.form != "plain")
    return tuple(found)
