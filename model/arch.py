"""Kinds of machine that an artefact is built for, and the precisions each is given."""

from collections.abc import Mapping
from types import MappingProxyType

import torch

from model.errors import UnknownNameError

PRECISIONS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"cpu": ("fp32", "bf16"), "cuda": ("fp32", "bf16", "fp16"), "mps": ("fp32", "bf16", "fp16")}
)
"""By kind of machine. fp16 serves GPUs that lack bf16 (Turing)."""

FORM_OF: Mapping[str, str] = MappingProxyType({"cpu": "onednn", "cuda": "plain", "mps": "plain"})
"""By kind of machine: which of `model.lean.FORMS` its programs are traced from."""


def named_arch(asked: str | None) -> str:
    """The kind asked for, else what this machine has.

    Raises:
        UnknownNameError: No such kind.
    """
    if asked is None:
        return _found()
    if asked not in PRECISIONS_OF:
        raise UnknownNameError("architecture", asked, tuple(PRECISIONS_OF))
    return asked


def device_for(arch: str) -> str:
    """Where a build for `arch` is measured: there if this machine has it, else on the CPU."""
    return arch if arch == _found() else "cpu"


def _found() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
