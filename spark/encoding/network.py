"""The network on its device: the exported program, or the eager module with the same weights."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from model.execution import Execution, executions
from model.format import WEIGHTS
from spark.encoding.artefact import Artefact
from spark.encoding.device import kind_of
from spark.encoding.errors import ArtefactError, ExecutionError
from spark.encoding.pickles import refuse_pickles

if TYPE_CHECKING:
    import torch

    Forward: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Something that maps chips on a device to vectors.

    Attributes:
        forward: dn `[B, C, H, W]` uint16, time `[B, 4]`, latlon `[B, 4]` float32, to `[B, dim]` float32.
        path: `pt2` (exported program), `eager` (module) or `eager+onednn` (module with oneDNN's products); with
            `+graph` if recorded.
        plain: The same without a recording; None if this is it.
    """

    forward: "Forward"
    path: str
    plain: "Network | None" = None

    @classmethod
    def of(cls, program: "Forward", path: str) -> "Network":
        """A network of a program that takes DN as float32.

        DN travel as uint16, half the traffic, and are converted where the program runs.
        """

        def forward(dn: "torch.Tensor", time: "torch.Tensor", latlon: "torch.Tensor") -> "torch.Tensor":
            import torch

            return program(dn.to(torch.float32), time, latlon)

        return cls(forward=forward, path=path)


def executions_here(artefact: Artefact, precision: str, device: str) -> tuple[Execution, ...]:
    """The execution paths of a precision on a device, the one that is expected to be fastest first.

    Args:
        artefact: Says which form its programs have, and which torch exported them.
        precision: One of those the artefact offers.
        device: `cpu`, `cuda`, `cuda:<n>` or `mps`.
    """
    _compute_exactly()  # before oneDNN's products are compared with ordinary ones
    return executions(
        precision, artefact.described.precisions[precision].form, kind_of(device), artefact.described.torch
    )


def load_network(artefact: Artefact, precision: str, device: str, execution: Execution) -> Network:
    """Load the program of a precision, or the module with the same weights.

    Args:
        artefact: Where the program and the weights are read from.
        precision: One of those the artefact offers.
        device: Where the network will run.
        execution: Program or module; one of `executions_here`.

    Raises:
        ArtefactError: A file is missing or altered, may hold a pickle, or the weights do not fit the architecture.
        ExecutionError: torch cannot read the program, or cannot move it to the device.
    """
    from model.program import load_program

    _compute_exactly()
    if execution.kind == "eager":
        return Network.of(_eager(artefact, precision, device, execution.form), execution.name)
    program = artefact.file(artefact.described.precisions[precision].program)
    refuse_pickles(program)
    try:
        return Network.of(load_program(program, device), execution.name)
    # Whatever torch makes of a program that it cannot read or move: the module has the same weights.
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise ExecutionError(f"{program} cannot be loaded: {first}") from error


def _compute_exactly() -> None:
    """No TF32 or bf16 in place of fp32: process-wide switches that other libraries turn on when imported."""
    import torch

    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False


def _eager(artefact: Artefact, precision: str, device: str, form: str) -> "Forward":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from model.lean import LeanConfig, LeanError, load_lean
    from model.program import lay_out_encoder

    weights = artefact.file(WEIGHTS)
    bands, side, _ = artefact.chip_shape
    try:
        config = LeanConfig.of_architecture(artefact.described.architecture, bands=bands, chip_px=side)
        encoder = load_lean(config, load_file(weights), precision, form).to(device)
    except (SafetensorError, LeanError) as error:
        raise ArtefactError(f"{weights}: {error}") from error
    lay_out_encoder(encoder)
    return encoder
