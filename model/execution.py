"""The execution paths of an artefact's encoder: its exported program, or the module with the same weights.

Shipped to executors with `model.lean`, `model.program` and `model.processor`. In reports, its name is `path`.
"""

import logging
from dataclasses import dataclass

from model.processor import onednn_refusal, this_processor

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One execution path.

    Attributes:
        kind: `pt2`, the exported program, or `eager`, the module with the same weights.
        form: What computes it, one of `model.lean.FORMS`.
    """

    kind: str
    form: str

    @property
    def name(self) -> str:
        """`pt2`, `eager`, or `eager+onednn`."""
        return "eager+onednn" if (self.kind, self.form) == ("eager", "onednn") else self.kind


PLAIN = Execution(kind="eager", form="plain")
"""Runs anywhere."""


def executions(precision: str, program_form: str, device_kind: str, exported_by: str) -> tuple[Execution, ...]:
    """The execution paths that are possible here, the one that is expected to be fastest first.

    A program that this machine cannot run, or that another release of torch wrote, is left out with one line in the
    log. The plain module runs anywhere, so the result is never empty.

    Args:
        precision: Of the arithmetic.
        program_form: What the precision's program is written with.
        device_kind: `cpu`, `cuda` or `mps`.
        exported_by: Version of torch that wrote the program.
    """
    import torch

    refusal = onednn_refusal(precision) if device_kind == "cpu" else f"oneDNN's products do not run on {device_kind}"
    found = [PLAIN]
    reason = refusal if program_form == "onednn" else None
    if _release(exported_by) != _release(torch.__version__):
        reason = f"it was exported by torch {exported_by}, this is {torch.__version__}"
    if reason is None:
        found.insert(0, Execution(kind="pt2", form=program_form))
    else:
        log.warning("the %s program is passed over, the module with the same weights runs: %s", precision, reason)
    if refusal is None and found[0] != Execution(kind="pt2", form="onednn"):
        found.insert(0, Execution(kind="eager", form="onednn"))
    if device_kind == "cpu" and this_processor().prefers_plain:
        found.sort(key=lambda execution: execution.form != "plain")
    return tuple(found)


def _release(version: str) -> str:
    """A version without its build tag: `2.10.0+cu128` and `2.10.0+cpu` run the same programs."""
    return version.partition("+")[0]
