"""Write the artefact that the embed job loads: program, weights, reference and description in one folder."""

import hashlib
import json
import logging
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from model.architecture import Encoder
from model.config import named_config
from model.conventions import CONVENTIONS, DEFAULT_CONVENTION, time_and_place
from model.errors import ParityError
from model.program import CHIP_PX, MAX_BATCH, SensorProgram, export_program
from model.recipes import named_recipe
from model.reference import LONLAT, WHEN, Reference, make_reference
from model.sensor import SENTINEL_2
from model.weights import seeded_state, weights_digest

log = logging.getLogger(__name__)

FORMAT = 1
DEFAULT_SEED = 20240601
MAX_PROGRAM_ERROR = 1e-5
"""Of the exported program against the eager encoder, in fp32, per component."""

PROGRAM, WEIGHTS, REFERENCE, DESCRIPTION = "encoder.pt2", "weights.pt", "reference.npz", "model.json"


def build(name: str, out: Path, seed: int = DEFAULT_SEED) -> Path:
    """Build a model into `out/name`.

    The description is written last: a folder that has one is whole.

    Args:
        name: One of `model.recipes.RECIPES`.
        out: Folder to build into; made if missing, a former build of the same name is overwritten.
        seed: Seed of the weights. The same seed gives the same `model_version` on every machine.

    Returns:
        The folder.

    Raises:
        UnknownNameError: No such recipe.
        ParityError: The exported program does not repeat the eager encoder.
    """
    recipe = named_recipe(name)
    started = time.monotonic()
    torch.set_float32_matmul_precision("highest")
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DESCRIPTION).unlink(missing_ok=True)

    encoder = Encoder(named_config(recipe.size)).eval().requires_grad_(requires_grad=False)
    encoder.load_state_dict(seeded_state(encoder, seed), strict=True)
    reference = make_reference(encoder, SENTINEL_2)
    reference.save(folder / REFERENCE)
    torch.save(encoder.state_dict(), folder / WEIGHTS)
    torch.export.save(export_program(SensorProgram(encoder, SENTINEL_2)), folder / PROGRAM)
    check_program(folder / PROGRAM, reference)

    description = _describe(name, seed, encoder, folder)
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
    log.info("built %s in %.1f s: %s", description["model_version"], time.monotonic() - started, folder)
    return folder


def check_program(path: Path, reference: Reference) -> None:
    """Load a program from disk and compare it with the eager encoder's vectors.

    Raises:
        ParityError: A component differs by more than `MAX_PROGRAM_ERROR`.
    """
    with warnings.catch_warnings():
        # torch's own reader makes tensors over read-only bytes and copies them later.
        warnings.filterwarnings("ignore", message="The given buffer is not writable", category=UserWarning)
        program = torch.export.load(path).module()
    dn = torch.from_numpy(reference.chips.astype(np.float32))
    with torch.inference_mode():
        for convention, want in zip(CONVENTIONS, reference.vectors, strict=True):
            got = program(dn, *time_and_place(convention, LONLAT, WHEN)).numpy()
            error = float(np.abs(got - want).max())
            if not error <= MAX_PROGRAM_ERROR:
                raise ParityError(path.name, error, MAX_PROGRAM_ERROR)


def _describe(name: str, seed: int, encoder: Encoder, folder: Path) -> dict[str, object]:
    digest = weights_digest(encoder.state_dict())
    return {
        "format": FORMAT,
        "name": name,
        "model_version": f"{name}+{digest[:12]}",
        "weights_digest": digest,
        "sha256": {
            file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in (PROGRAM, WEIGHTS, REFERENCE)
        },
        "torch": torch.__version__,
        "sensor": SENTINEL_2.name,
        "bands": SENTINEL_2.names,
        "means": SENTINEL_2.means,
        "stds": SENTINEL_2.stds,
        "wavelengths_um": SENTINEL_2.wavelengths_um,
        "gsd_m": SENTINEL_2.gsd_m,
        "input": "dn",
        "chip_px": CHIP_PX,
        "max_batch": MAX_BATCH,
        "dim": encoder.config.out_dim,
        "precisions": ["fp32"],
        "conventions": CONVENTIONS,
        "default_convention": DEFAULT_CONVENTION,
        "seed": seed,
        "note": named_recipe(name).note,
    }
