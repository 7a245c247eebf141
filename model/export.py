"""Write the artefact that the embed job loads: programs, weights, reference and description in one folder."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from model.arch import contents, device_for, named_arch
from model.artefact import Built, describe
from model.buildable import Buildable
from model.format import DESCRIPTION, REFERENCE, WEIGHTS, program_name
from model.parity import BUILD_FP32, TOLERANCES, Parity
from model.processor import onednn_refusal
from model.program import Vectors, load_program
from model.recipes import Ingredients, named_recipe
from model.reference import Reference, make_reference
from model.tracing import save_program

log = logging.getLogger(__name__)


def build(
    name: str,
    out: Path,
    given: Ingredients | None = None,
    arch: str | None = None,
    precisions: Sequence[str] = (),
) -> Path:
    """Build a named model into `out/name`.

    Args:
        name: One of `model.recipes.RECIPES`.
        out: Folder to build into; made if missing.
        given: Seed or checkpoint; None takes the default seed.
        arch: Kind of machine to build for; None takes this one's.
        precisions: To hold in any case; see `model.arch.contents`.

    Returns:
        The folder.

    Raises:
        UnknownNameError: No such recipe, kind of machine or precision.
        CheckpointError: The recipe's weights are not there, or are not what they should be.
        ParityError: A program does not repeat the eager encoder.
    """
    recipe, arch = named_recipe(name), named_arch(arch)
    torch.set_float32_matmul_precision("highest")
    forms = contents(arch, precisions)
    return write(name, recipe.make(given or Ingredients()), arch, out / name, forms)


def write(name: str, model: Buildable, arch: str, folder: Path, forms: Mapping[str, str] | None = None) -> Path:
    """Write one model's artefact, over a former one of the same name.

    The description is written last: a folder that has one is whole.

    Args:
        name: Of the model.
        model: What to write.
        arch: Kind of machine to build for.
        folder: Where to.
        forms: By precision to hold: the form of its program; None takes what `model.arch.contents` says.

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
    built = {}
    for precision, form in (forms or contents(arch)).items():
        path = folder / program_name(precision)
        save_program(model.module(precision, form), len(model.sensor.bands), path)
        built[precision] = _measured(path, precision, form, model, reference, device)

    description = describe(name, model, arch, built, device, folder)
    description.save(folder)
    log.info("built %s in %.1f s: %s", description.model_version, time.monotonic() - started, folder)
    return folder


def _measured(path: Path, precision: str, form: str, model: Buildable, reference: Reference, device: str) -> Built:
    """What became of a precision: its program's parity, or the plain form's where this machine cannot run it."""
    refusal = onednn_refusal(precision) if form == "onednn" else None
    if refusal is None:
        return Built(form=form, measured_form=form, parity=check_program(path, precision, reference, device))
    log.warning("%s is checked in the plain form, which is slow: %s", path.name, refusal)
    parity = _checked(path.name, model.module(precision, "plain"), precision, reference, device)
    return Built(form=form, measured_form="plain", parity=parity)


def check_program(path: Path, precision: str, reference: Reference, device: str = "cpu") -> Parity:
    """Load a program from disk and compare it with the eager encoder's vectors.

    Args:
        path: Of the program.
        precision: Of its arithmetic; decides how far off it may be.
        reference: Chips, and the eager encoder's vectors of them.
        device: Where the program runs.

    Raises:
        ParityError: It is further off than the precision may be; in fp32, than a build may be.
    """
    return _checked(path.name, load_program(path, device), precision, reference, device)


def _checked(what: str, vectors: Vectors, precision: str, reference: Reference, device: str) -> Parity:
    parity = Parity.measure(reference.embed(vectors, device), reference.vectors)
    tolerance = BUILD_FP32 if precision == "fp32" else TOLERANCES[precision]
    tolerance.check(what, parity)
    log.info("%s on %s: largest error %.2g, smallest cosine %.7f", what, device, parity.max_error, parity.min_cosine)
    return parity
