from pathlib import Path

import pytest

from model.sensor import SENTINEL_2

METADATA = Path(__file__).parents[3] / "shared" / "data" / "clay" / "metadata.yaml"


def test_facts_are_clays():
    assert SENTINEL_2.names == (
        "blue",
        "green",
        "red",
        "rededge1",
        "rededge2",
        "rededge3",
        "nir",
        "nir08",
        "swir16",
        "swir22",
    )
    assert SENTINEL_2.means == (1105, 1355, 1552, 1887, 2422, 2630, 2743, 2785, 2388, 1835)
    assert SENTINEL_2.stds == (1809, 1757, 1888, 1870, 1732, 1697, 1742, 1648, 1470, 1379)
    assert SENTINEL_2.wavelengths_um == (0.493, 0.56, 0.665, 0.704, 0.74, 0.783, 0.842, 0.865, 1.61, 2.19)
    assert SENTINEL_2.gsd_m == 10


def test_facts_agree_with_published_metadata():
    if not METADATA.exists():
        pytest.skip("Clay's metadata.yaml lies beside the checkout, not in it, and is absent here")
    yaml = pytest.importorskip("yaml", reason="metadata.yaml needs a YAML reader, which this environment lacks")
    published = yaml.safe_load(METADATA.read_text())[SENTINEL_2.name]
    assert list(SENTINEL_2.names) == published["band_order"]
    assert published["gsd"] == SENTINEL_2.gsd_m
    for key, values in (("mean", "means"), ("std", "stds"), ("wavelength", "wavelengths_um")):
        assert dict(zip(SENTINEL_2.names, getattr(SENTINEL_2, values), strict=True)) == published["bands"][key]


def test_wavelengths_are_micrometres():
    assert all(0.4 < wave < 2.5 for wave in SENTINEL_2.wavelengths_um)
