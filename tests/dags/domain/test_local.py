"""The settings of a lake on this machine."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from claylake.configuration.local import Local
from claylake.configuration.settings import assemble
from claylake.errors import SettingsError
from claylake.release import model_uri


def test_addresses():
    local = Local(folder="/data/my lake/", encoder="/models/clay")
    assert local.lake == "file:///data/my lake"
    assert local.catalogue_uri == "sqlite:////data/my lake/catalogue.sqlite"
    assert model_uri(local, "any name", "model.json") == "/models/clay/model.json"


@pytest.mark.parametrize("path", ["lake", "./lake", "s3://lake", "/a?b", "/a#b", "/a%20b", "/a\nb", ""])
def test_paths_that_some_library_would_misread_are_refused(path):
    with pytest.raises(ValidationError):
        Local(folder=path, encoder="/e")
    with pytest.raises(ValidationError):
        Local(folder="/lake", encoder=path)


def test_a_lake_is_in_one_place():
    deployed = {
        "region": "r", "lake": "s3://lake", "artifacts": "s3://a", "log_uri": "s3://l", "service_role": "s",
        "instance_profile": "i", "subnet_ids": ["n"],
    }  # fmt: skip
    local = {"folder": "/lake", "encoder": "/e"}
    with pytest.raises(SettingsError, match="not both"):
        assemble({"a": {"deployed": deployed}, "b": {"local": local}})
    here = assemble({"b": {"local": local}})
    assert here.where == here.here
    with pytest.raises(SettingsError, match="deploy"):
        _ = here.on_aws
    there = assemble({"a": {"deployed": deployed}})
    assert there.where == there.on_aws
    with pytest.raises(SettingsError, match="section local is missing"):
        _ = there.here


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        ({"selektion": {}}, "did you mean selection"),
        ({"selection": {"min_clear": 1}}, "did you mean min_clear_frac"),
        ({"local": {"foldr": "/x"}}, "did you mean folder"),
        ({"xyz": {}}, "unknown section 'xyz'; allowed"),
    ],
)
def test_misspelt_names_get_the_nearest(layer, text):
    with pytest.raises(SettingsError, match=text):
        assemble({"settings.yaml": layer})
