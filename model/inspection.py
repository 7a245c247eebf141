"""Checks of a checkpoint before it is trusted."""

import logging
from collections.abc import Callable
from pathlib import Path

from model.checkpoint import read_encoder_state, read_hyper_parameters
from model.errors import CheckpointError
from model.metadata import USUAL, check_metadata, places
from model.recipes import Recipe
from model.sensor import Sensor

log = logging.getLogger(__name__)

BesideIt = Callable[[str], str | None]
"""Gives the text of another file of the checkpoint's repository and revision by its path; None where there is none."""


def inspect(recipe: Recipe, sensor: Sensor, file: str, path: Path, beside: BesideIt) -> None:
    """Check a checkpoint against all that is known of it here.

    Names, shapes, types and finiteness of the encoder's weights; size and patch, where the hyper-parameters state them;
    bands, means, deviations, wavelengths and sampling distance, where the repository has Clay's metadata.

    Args:
        recipe: What will be built from it.
        sensor: What chips will be.
        file: The checkpoint's path in its repository.
        path: The checkpoint here.
        beside: Reads other files of the repository.

    Raises:
        CheckpointError: It holds something else.
        MetadataError: The sensor's metadata differ.
    """
    encoder = recipe.bare()
    weights = read_encoder_state(path, encoder)
    log.info("it holds the encoder: %d weights, all of the names and shapes wanted, all finite", len(weights))
    stated = read_hyper_parameters(path)
    wanted = {"model_size": recipe.size, "patch_size": encoder.config.patch}
    wrong = [
        f"{name} is {stated[name]!r}, not {value!r}"
        for name, value in wanted.items()
        if stated.get(name, value) != value
    ]
    if wrong:
        raise CheckpointError(f"the hyper-parameters of {path} differ: {'; '.join(wrong)}. It is another model")
    for place in places(file, stated):
        text = beside(place)
        if text is not None:
            check_metadata(text, sensor, place)
            log.info("%s of the same revision agrees with model/sensor.py", place)
            return
    log.warning(
        "its repository has no %s, so means, deviations and wavelengths were not compared with model/sensor.py; "
        "`python -m model fetch --metadata FILE` does it with the one of Clay's code",
        USUAL,
    )
