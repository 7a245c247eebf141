"""An encoder with given weights, written to a file or made to run without one."""

from pathlib import Path

from model.clay import Clay
from model.execution import Execution
from model.format import program_name
from model.lean import LeanEncoder
from model.program import lay_out_encoder
from model.sensor import SENTINEL_2
from model.tracing import save_program


def written(clay: Clay, precision: str, form: str, folder: Path) -> Path:
    """The program of a precision in a form, as an artefact holds it.

    Args:
        clay: The encoder.
        precision: One of `model.lean.PRECISIONS`.
        form: One of `model.lean.FORMS`.
        folder: Where the file is written.
    """
    path = folder / program_name(precision)
    save_program(clay.module(precision, form), len(SENTINEL_2.bands), path)
    return path


def eager(clay: Clay, precision: str, execution: Execution, device: str) -> LeanEncoder:
    """The module, ready for an execution path without a program.

    Args:
        clay: The encoder.
        precision: One of `model.lean.PRECISIONS`.
        execution: Gives the form of the module.
        device: Where it will run.
    """
    module = clay.module(precision, execution.form)
    lay_out_encoder(module)
    return module.to(device)
