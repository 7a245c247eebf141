"""What Clay would publish if it said what `model/sensor.py` says."""

from typing import Any

import yaml

from model.sensor import SENTINEL_2


def document() -> dict[str, Any]:
    """Of the one sensor."""
    values = {"mean": SENTINEL_2.means, "std": SENTINEL_2.stds, "wavelength": SENTINEL_2.wavelengths_um}
    return {
        "band_order": list(SENTINEL_2.names),
        "gsd": 10,
        "bands": {key: dict(zip(SENTINEL_2.names, each, strict=True)) for key, each in values.items()},
    }


def text(**changed: Any) -> bytes:
    """The file, with some of the sensor's entries replaced."""
    return yaml.safe_dump({SENTINEL_2.name: document() | changed}).encode()
