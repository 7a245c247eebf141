from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.errors import MetadataError
from model.metadata import check_metadata, places, read_metadata
from model.sensor import SENTINEL_2
from tests.model.metadata import document

CLAYS = Path(__file__).parents[3] / "shared" / "data" / "clay" / "metadata.yaml"


def checked(sensor: dict[str, Any] | None) -> None:
    check_metadata(yaml.safe_dump({"naip": {"gsd": 1.0}, SENTINEL_2.name: sensor}), SENTINEL_2, "a/metadata.yaml")


def test_the_published_file_agrees():
    if not CLAYS.exists():
        pytest.skip("Clay's metadata.yaml lies beside the checkout, not in it, and is absent here")
    check_metadata(read_metadata(CLAYS), SENTINEL_2, "Clay's")
    with pytest.raises(MetadataError, match=r"gsd is 10, not 20"):
        check_metadata(read_metadata(CLAYS), replace(SENTINEL_2, gsd_m=20), "Clay's")


def test_what_agrees_passes():
    checked(document())
    checked(document() | {"rgb_indices": [2, 1, 0]})


@pytest.mark.parametrize("key", ["mean", "std", "wavelength"])
@pytest.mark.parametrize("band", SENTINEL_2.names)
def test_every_number_counts(key: str, band: str):
    off, lacking, more = document(), document(), document()
    off["bands"][key][band] += 0.001
    with pytest.raises(MetadataError, match=rf"a/metadata\.yaml differs from model/sensor\.py.*: {key} of {band} is"):
        checked(off)
    del lacking["bands"][key][band]
    with pytest.raises(MetadataError, match=rf"{key} of {band} is None, not"):
        checked(lacking)
    more["bands"][key]["coastal"] = 1.0
    with pytest.raises(MetadataError, match=rf"{key} of coastal is 1\.0, not None"):
        checked(more)


def test_order_and_distance_count_and_all_is_named():
    bad = document() | {"gsd": 20}
    bad["band_order"] = bad["band_order"][::-1]
    with pytest.raises(MetadataError, match=r"band_order is \['swir22'.*gsd is 20, not 10"):
        checked(bad)
    with pytest.raises(MetadataError, match=r"mean of blue is None.*std of blue is None.*wavelength of swir22 is None"):
        checked(document() | {"bands": "all"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is no YAML"),
        ("", "says nothing of sentinel-2-l2a"),
        ("- 1", "says nothing"),
        ("!!python/object/apply:print ['ran']", "is no YAML"),
    ],
)
def test_what_is_no_metadata(text: str, words: str, capsys):
    with pytest.raises(MetadataError, match=words):
        check_metadata(text, SENTINEL_2, "x")
    assert not capsys.readouterr().out


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(MetadataError, match="cannot be read"):
        read_metadata(tmp_path / "none.yaml")
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MetadataError, match="cannot be read"):
        read_metadata(tmp_path / "x")


USUAL = ("v1.5/configs/metadata.yaml", "configs/metadata.yaml", "v1.5/metadata.yaml", "metadata.yaml")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, USUAL),
        ({"metadata_path": "configs/metadata.yaml"}, USUAL),
        ({"metadata_path": "m.yaml"}, ("v1.5/m.yaml", "m.yaml")),
        ({"metadata_path": "/home/somebody/configs/metadata.yaml"}, USUAL),
        ({"metadata_path": "../../other/metadata.yaml"}, USUAL),
        ({"metadata_path": 7}, USUAL),
    ],
)
def test_where_it_is_looked_for(said: dict[str, Any], wanted: tuple[str, ...]):
    assert places("v1.5/clay-v1.5.ckpt", said) == wanted
