"""The artefact's folder: its description put together, and a reader that trusts nothing unchecked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from model.buildable import Buildable
from model.config import CHIP_PX
from model.conventions import CONVENTIONS, DEFAULT_CONVENTION
from model.errors import ArtefactError
from model.format import (
    REFERENCE,
    WEIGHTS,
    Description,
    FormatError,
    Measured,
    Offer,
    program_name,
    read_description,
    sha256_of,
)
from model.parity import TOLERANCES, Parity
from model.processor import this_processor
from model.tracing import MAX_BATCH


@dataclass(frozen=True, kw_only=True)
class Built:
    """One precision of an artefact.

    Attributes:
        form: What its program is written with, one of `model.lean.FORMS`.
        parity: How near the reference it came.
        measured_form: The form in which that was measured: another one where this machine cannot run the program.
    """

    form: str
    parity: Parity
    measured_form: str


def describe(
    name: str, model: Buildable, arch: str, built: Mapping[str, Built], device: str, folder: Path
) -> Description:
    """Describe a folder, once every other file is written.

    Args:
        name: Of the model.
        model: What was built.
        arch: Kind of machine it was built for.
        built: By precision.
        device: Where that was measured.
        folder: Where the files lie.
    """
    programs = [program_name(precision) for precision in built]
    return Description(
        name=name,
        model_version=f"{name}+{model.weights_digest[:12]}",
        weights_digest=model.weights_digest,
        arch=arch,
        architecture=dict(model.architecture()),
        torch=torch.__version__,
        sensor=model.sensor.name,
        bands=model.sensor.names,
        means=model.sensor.means,
        stds=model.sensor.stds,
        wavelengths_um=model.sensor.wavelengths_um,
        gsd_m=model.sensor.gsd_m,
        chip_px=CHIP_PX,
        max_batch=MAX_BATCH,
        dim=model.out_dim,
        conventions=CONVENTIONS,
        default_convention=DEFAULT_CONVENTION,
        precisions={precision: _offer(precision, each, device) for precision, each in built.items()},
        sha256={file: sha256_of(folder / file) for file in (*programs, WEIGHTS, REFERENCE)},
        source=model.source,
        note=model.note,
    )


def _offer(precision: str, built: Built, device: str) -> Offer:
    measured = Measured(
        max_error=built.parity.max_error,
        min_cosine=built.parity.min_cosine,
        form=built.measured_form,
        device=device,
        processor=str(this_processor()),
    )
    return Offer(
        program=program_name(precision),
        form=built.form,
        max_error=TOLERANCES[precision].max_error,
        min_cosine=TOLERANCES[precision].min_cosine,
        measured=measured,
    )


def read_whole(folder: Path) -> Description:
    """Read a folder's description, and check every file that it lists.

    Raises:
        ArtefactError: It is missing or of another format, or a file is missing or altered.
    """
    try:
        described = read_description(folder)
    except FormatError as error:
        raise ArtefactError(str(error)) from error
    for name, expected in described.sha256.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != expected:
            raise ArtefactError(f"{folder / name} is missing or altered; build the model again")
    return described
