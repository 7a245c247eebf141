"""Write the artefact that the embed job loads: programs, weights, reference and description in one folder."""

import json
import logging
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from model.arch import FORM_OF, PRECISIONS_OF, device_for, named_arch
from model.artefact import DESCRIPTION, REFERENCE, WEIGHTS, describe, program_name
from model.buildable import Buildable
from model.parity import BUILD_FP32, TOLERANCES, Parity
from model.program import load_program
from model.recipes import Ingredients, named_recipe
from model.reference import Reference, make_reference
from model.tracing import save_program

log = logging.getLogger(__name__)


def build(name: str, out: Path, given: Ingredients | None = None, arch: str | None = None) -> Path:
    """Build a named model into `out/name`.

    Args:
        name: One of `model.recipes.RECIPES`.
        out: Folder to build into; made if missing.
        given: Seed or checkpoint; None takes the default seed.
        arch: Kind of machine to build for; None takes this one's.

    Returns:
        The folder.

    Raises:
        UnknownNameError: No such recipe or kind of machine.
        CheckpointError: The recipe's weights are not there, or are not what they should be.
        ParityError: A program does not repeat the eager encoder.
    """
    recipe, arch = named_recipe(name), named_arch(arch)
    torch.set_float32_matmul_precision("highest")
    return write(name, recipe.make(given or Ingredients()), arch, out / name)


def write(name: str, model: Buildable, arch: str, folder: Path) -> Path:
    """Write one model's artefact, over a former one of the same name.

    The description is written last: a folder that has one is whole.

    Raises:
        ParityError: A program does not repeat the eager encoder.
    """
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    for old in (DESCRIPTION, REFERENCE, WEIGHTS, *(program_name(precision) for precision in TOLERANCES)):
        (folder / old).unlink(missing_ok=True)

    reference = make_reference(model)
    reference.save(folder / REFERENCE)
    save_file(dict(model.weights()), folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)  # written for the owner's eyes only
    device = device_for(arch)
    measured = {}
    for precision in PRECISIONS_OF[arch]:
        save_program(model.module(precision, FORM_OF[arch]), len(model.sensor.bands), folder / program_name(precision))
        measured[precision] = check_program(folder / program_name(precision), precision, reference, device)

    description = describe(name, model, arch, measured, device, folder)
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
    log.info("built %s in %.1f s: %s", description["model_version"], time.monotonic() - started, folder)
    return folder


def check_program(path: Path, precision: str, reference: Reference, device: str = "cpu") -> Parity:
    """Load a program from disk and compare it with the eager encoder's vectors.

    Raises:
        ParityError: It is further off than the precision may be; in fp32, than a build may be.
    """
    parity = Parity.measure(reference.embed(load_program(path, device), device), reference.vectors)
    tolerance = BUILD_FP32 if precision == "fp32" else TOLERANCES[precision]
    tolerance.check(path.name, parity)
    log.info(
        "%s on %s: largest error %.2g, smallest cosine %.7f", path.name, device, parity.max_error, parity.min_cosine
    )
    return parity
