"""An encoder with given weights, written to a file or made to run without one."""

from pathlib import Path

from model.clay import Clay
from model.format import program_name
from model.lean import LeanEncoder
from model.program import lay_out_encoder
from model.sensor import SENTINEL_2
from model.tracing import save_program
from model.ways import Way


def written(clay: Clay, precision: str, form: str, folder: Path) -> Path:
    """The program of a precision in a form, as an artefact holds it."""
    path = folder / program_name(precision)
    save_program(clay.module(precision, form), len(SENTINEL_2.bands), path)
    return path


def eager(clay: Clay, precision: str, way: Way, device: str) -> LeanEncoder:
    """The module as a way without a program runs it."""
    module = clay.module(precision, way.form)
    lay_out_encoder(module)
    return module.to(device)
