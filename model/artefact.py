"""The artefact's folder: names of its files, its description, and a reader that trusts nothing unchecked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from model.buildable import Buildable
from model.config import CHIP_PX
from model.conventions import CONVENTIONS, DEFAULT_CONVENTION
from model.errors import ArtefactError
from model.parity import TOLERANCES, Parity
from model.processor import here
from model.tracing import MAX_BATCH

FORMAT = 2
WEIGHTS, REFERENCE, DESCRIPTION = "weights.safetensors", "reference.npz", "model.json"


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


def program_name(precision: str) -> str:
    """File of a precision's exported program."""
    return f"encoder-{precision}.pt2"


def program_form(described: Mapping[str, Any], precision: str) -> str:
    """What a precision's program is written with; descriptions of older builds do not say."""
    return str(described["precisions"][precision].get("form", "onednn" if described["arch"] == "cpu" else "plain"))


def describe(
    name: str, model: Buildable, arch: str, built: Mapping[str, Built], device: str, folder: Path
) -> dict[str, Any]:
    """Put together model.json, once every other file is written.

    Args:
        name: Of the model.
        model: What was built.
        arch: Kind of machine it was built for.
        built: By precision.
        device: Where that was measured.
        folder: Where the files lie.
    """
    programs = [program_name(precision) for precision in built]
    return {
        "format": FORMAT,
        "name": name,
        "model_version": f"{name}+{model.weights_digest[:12]}",
        "weights_digest": model.weights_digest,
        "arch": arch,
        "architecture": dict(model.architecture()),
        "torch": torch.__version__,
        "sensor": model.sensor.name,
        "bands": model.sensor.names,
        "means": model.sensor.means,
        "stds": model.sensor.stds,
        "wavelengths_um": model.sensor.wavelengths_um,
        "gsd_m": model.sensor.gsd_m,
        "input": "dn",
        "chip_px": CHIP_PX,
        "max_batch": MAX_BATCH,
        "dim": model.out_dim,
        "conventions": CONVENTIONS,
        "default_convention": DEFAULT_CONVENTION,
        "precisions": {
            precision: {
                "program": program_name(precision),
                "form": each.form,
                **asdict(TOLERANCES[precision]),
                "measured": {
                    **asdict(each.parity),
                    "form": each.measured_form,
                    "device": device,
                    "processor": str(here()),
                },
            }
            for precision, each in built.items()
        },
        "sha256": {file: sha256_of(folder / file) for file in (*programs, WEIGHTS, REFERENCE)},
        "source": dict(model.source),
        "note": model.note,
    }


def read_description(folder: Path) -> dict[str, Any]:
    """Read model.json, and check every file it lists.

    Raises:
        ArtefactError: It is missing or of another format, or a file is missing or altered.
    """
    path = folder / DESCRIPTION
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{path} cannot be read ({error}); build the model again") from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise ArtefactError(f"{path} is not of format {FORMAT}; build the model again")
    for name, expected in described["sha256"].items():
        if not (folder / name).is_file() or sha256_of(folder / name) != expected:
            raise ArtefactError(f"{folder / name} is missing or altered; build the model again")
    return described


def sha256_of(path: Path) -> str:
    """Digest of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
