"""Clay's published metadata of its sensors (`configs/metadata.yaml`), compared with this package's."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from model.errors import MetadataError
from model.sensor import Sensor

USUAL = "configs/metadata.yaml"
"""Its path in the repository of Clay's code."""


def read_metadata(path: Path) -> str:
    """Text of a file of the user's.

    Raises:
        MetadataError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MetadataError(f"{path} cannot be read: {error}") from error


def check_metadata(text: str, sensor: Sensor, where: str) -> None:
    """Compare bands and their order, means, standard deviations, wavelengths and ground sampling distance.

    Args:
        text: YAML as Clay publishes it.
        sensor: This package's.
        where: File or address, for the error.

    Raises:
        MetadataError: The text cannot be read, or says otherwise; each difference is named.
    """
    published = _of_sensor(text, sensor.name, where)
    per_band = published.get("bands")
    per_band = per_band if isinstance(per_band, Mapping) else {}
    stated: dict[str, tuple[Any, Any]] = {
        "band_order": (published.get("band_order"), list(sensor.names)),
        "gsd": (published.get("gsd"), sensor.gsd_m),
    }
    for key, values in (("mean", sensor.means), ("std", sensor.stds), ("wavelength", sensor.wavelengths_um)):
        theirs = per_band.get(key)
        theirs = theirs if isinstance(theirs, Mapping) else {}
        ours = dict(zip(sensor.names, values, strict=True))
        stated |= {f"{key} of {band}": (theirs.get(band), ours.get(band)) for band in {**ours, **theirs}}
    wrong = [f"{what} is {theirs}, not {ours}" for what, (theirs, ours) in stated.items() if theirs != ours]
    if wrong:
        raise MetadataError(
            f"{where} differs from model/sensor.py for {sensor.name}: {'; '.join(wrong)}. Weights and these numbers "
            "belong together: do not use the checkpoint before model/sensor.py says what it was trained with"
        )


def places(checkpoint: str, hyper_parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a repository may keep the metadata of a checkpoint.

    Args:
        checkpoint: The checkpoint's path there.
        hyper_parameters: Its own; `metadata_path` among them is the name it was trained with.
    """
    named = hyper_parameters.get("metadata_path", USUAL)
    path = PurePosixPath(named if isinstance(named, str) else USUAL)
    if path.is_absolute() or ".." in path.parts:
        path = PurePosixPath(USUAL)
    beside = PurePosixPath(checkpoint).parent
    return tuple(dict.fromkeys(str(each) for each in (beside / path, path, beside / path.name, path.name)))


def _of_sensor(text: str, sensor: str, where: str) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        first = str(error).partition("\n")[0]
        raise MetadataError(f"{where} is no YAML ({first}); Clay's {USUAL} is") from error
    published = document.get(sensor) if isinstance(document, Mapping) else None
    if not isinstance(published, Mapping):
        raise MetadataError(f"{where} says nothing of {sensor}; Clay's {USUAL} does")
    return published
