"""The network on its device: the exported program, or the eager module with the same weights where that cannot run."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from spark.encoding.artefact import WEIGHTS, Artefact
from spark.encoding.errors import ArtefactError
from spark.encoding.pickles import refuse_pickles

if TYPE_CHECKING:
    import torch

    Forward: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Network:
    """Something that maps chips on a device to vectors.

    Attributes:
        forward: dn `[B, C, H, W]` uint16, time `[B, 4]`, latlon `[B, 4]` float32, to `[B, dim]` float32.
        path: `pt2` (exported program) or `eager` (module), with `+graph` if recorded.
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

        return cls(forward, path)


def load_network(artefact: Artefact, precision: str, device: str) -> Network:
    """Load the program of a precision; or, saying so, the module with the same weights.

    An exported program runs under the torch release that wrote it; the module runs under any.

    Raises:
        ArtefactError: A file is missing or altered, may hold a pickle, or the weights do not fit the architecture.
    """
    import torch

    from model.program import load_program

    _compute_exactly()
    if _release(artefact.torch) != _release(torch.__version__):
        log.warning(
            "%s was exported by torch %s, this is %s: running the module with the same weights, not the program",
            artefact.model_version,
            artefact.torch,
            torch.__version__,
        )
        return Network.of(_eager(artefact, precision, device), "eager")
    program = artefact.file(artefact.offers[precision].program)
    refuse_pickles(program)
    try:
        return Network.of(load_program(program, device), "pt2")
    # Whatever torch makes of a program that it cannot read or move: the module has the same weights.
    except Exception as error:  # noqa: BLE001 - see above
        log.warning("%s cannot be loaded, running the module with the same weights: %s", program, error)
        return Network.of(_eager(artefact, precision, device), "eager")


def _compute_exactly() -> None:
    """No TF32 or bf16 in place of fp32: process-wide switches that other libraries turn on when imported."""
    import torch

    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False


def _eager(artefact: Artefact, precision: str, device: str) -> "Forward":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from model.lean import LeanConfig, LeanError, load_lean

    weights = artefact.file(WEIGHTS)
    description = {"architecture": artefact.architecture, "bands": artefact.bands, "chip_px": artefact.chip_px}
    try:
        state = load_file(weights)
        return load_lean(LeanConfig.of_description(description), state, precision).to(device)
    except (SafetensorError, LeanError) as error:
        raise ArtefactError(f"{weights}: {error}") from error


def _release(version: str) -> str:
    """A version without its build tag: `2.10.0+cu128` and `2.10.0+cpu` run the same programs."""
    return version.partition("+")[0]
