"""Kinds of machine that an artefact is built for, and the precisions and forms each is given."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch

from model.errors import UnknownNameError
from model.processor import onednn_refusal, this_processor

PRECISIONS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"cpu": ("fp32", "bf16"), "cuda": ("fp32", "bf16", "fp16"), "mps": ("fp32", "bf16", "fp16")}
)
"""All that may be built, by kind of machine. fp16 serves GPUs that lack bf16 (Turing)."""


def named_arch(wanted: str | None) -> str:
    """The kind that is named, else this machine's.

    Raises:
        UnknownNameError: No such kind.
    """
    if wanted is None:
        return _found()
    if wanted not in PRECISIONS_OF:
        raise UnknownNameError("architecture", wanted, tuple(PRECISIONS_OF))
    return wanted


def contents(arch: str, wanted: Sequence[str] = ()) -> dict[str, str]:
    """What a build holds: the form (`model.lean.FORMS`) of each precision's program.

    For CPUs that is fp32, and bf16 where this processor is fast in it, or where it is wanted by name: another
    machine may be. Their programs are written with oneDNN's products if this machine's torch knows them.

    Args:
        arch: Kind of machine.
        wanted: Precisions to hold in any case.

    Raises:
        UnknownNameError: A precision that is not built for this kind.
    """
    for name in wanted:
        if name not in PRECISIONS_OF[arch]:
            raise UnknownNameError(f"precision for {arch}", name, PRECISIONS_OF[arch])
    if arch != "cpu":
        return dict.fromkeys(PRECISIONS_OF[arch], "plain")
    # Where even fp32 fails its trial, this machine could run none of its own programs.
    form = "plain" if onednn_refusal("fp32") else "onednn"
    fast = {"fp32", "bf16"} if this_processor().fast_bf16 else {"fp32"}
    return {name: form for name in PRECISIONS_OF[arch] if name in fast or name in wanted}


def device_for(arch: str) -> str:
    """Where a build for `arch` is measured: there if this machine has it, else on the CPU."""
    return arch if arch == _found() else "cpu"


def _found() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
