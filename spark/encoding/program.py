"""Loading an exported program onto a device."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from spark.encoding.artefact import PROGRAM, Artefact
from spark.encoding.errors import EncoderError, TorchVersionError
from spark.encoding.pickles import refuse_pickles

if TYPE_CHECKING:
    import torch

    Program: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

BATCH = {"cpu": 8, "cuda": 64}
"""Chips per forward pass to begin with, by kind of device: what fits a CPU's caches, and what fills a small GPU."""


def load_program(artefact: Artefact, device: str) -> "Program":
    """Load the artefact's program onto a device, for arithmetic in full fp32.

    Raises:
        TorchVersionError: This torch did not export it.
        EncoderError: No such device here.
        ArtefactError: The file may hold pickles.
    """
    import torch
    from torch.export.passes import move_to_device_pass

    if _release(artefact.torch) != _release(torch.__version__):
        raise TorchVersionError(artefact.torch, torch.__version__)
    kind = device.partition(":")[0]
    if kind not in BATCH or (kind == "cuda" and not torch.cuda.is_available()):
        raise EncoderError(f"no device {device!r} here; use 'cpu', or 'cuda' where torch.cuda.is_available()")
    # TF32 and bf16 shortcuts are process-wide switches; other libraries are known to turn them on when imported.
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    refuse_pickles(artefact.folder / PROGRAM)
    with warnings.catch_warnings():
        # torch's own reader makes tensors over read-only bytes and copies them later.
        warnings.filterwarnings("ignore", message="The given buffer is not writable", category=UserWarning)
        exported = torch.export.load(artefact.folder / PROGRAM)
    program: Program = move_to_device_pass(exported, device).module()
    return program


def choose_device(asked: str | None) -> str:
    """The device asked for, else a GPU where there is one, else the CPU."""
    import torch

    return asked or ("cuda" if torch.cuda.is_available() else "cpu")


def _release(version: str) -> str:
    """A version without its build tag: `2.10.0+cu128` and `2.10.0+cpu` run the same programs."""
    return version.partition("+")[0]
