"""`make verify`: which lake is checked with which options, and what is said where none can be."""

from __future__ import annotations

import json
import re

import pytest

from infra.local import verify
from infra.local.client import StackInfo
from infra.local.demo import __main__ as demo
from infra.local.verify import Target

DEPLOYED = {"deployed": {"lake": "s3://lake", "region": "eu-central-1", "database": "claylake"}}


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "deployed.json").write_text(json.dumps(DEPLOYED))
    return tmp_path


@pytest.fixture
def checked(monkeypatch):
    """What would be checked: target and options of each check."""
    checks = []
    monkeypatch.setattr(verify, "check", lambda target, options: checks.append((target, options)) or 0)
    return checks


@pytest.mark.parametrize("named", ["", "deployed.json"])
def test_a_deployment_is_named_by_its_file_or_folder(lake, checked, named):
    assert verify.main(["--lake", str(lake / named), "--seed", "7"]) == 0
    assert checked == [(Target(place=lake / "deployed.json"), ["--sample", "100", "--seed", "7"])]


@pytest.mark.parametrize(("sample", "options"), [("12", ["--sample", "12"]), ("all", [])])
def test_how_many_chips(lake, checked, sample, options):
    verify.main(["--lake", str(lake), "--sample", sample])
    ((_, given),) = checked
    assert given[:-2] == options
    assert given[-1].isdecimal()


def test_a_folder_of_scenes_is_run_and_then_checked_whole(tmp_path, checked, monkeypatch):
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    info = StackInfo({"root": str(tmp_path), "env": env})

    def run(source, out, model, then):
        assert source == tmp_path
        then(info)
        return 0

    monkeypatch.setattr(demo, "run", run)
    assert verify.main(["--data", str(tmp_path), "--seed", "7"]) == 0
    assert checked == [(Target(place=tmp_path / "deployed.json", env=env), ["--seed", "7"])]
    monkeypatch.setattr(demo, "run", lambda *given: run(*given) or 1)
    assert verify.main(["--data", str(tmp_path)]) == 1, "a month that failed is not verified by the others"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "either DATA=<folder of STAC items and COGs> or LAKE=.*; neither was given"),
        (["--data", "{here}", "--lake", "{here}"], "both were given"),
        (["--data", "{here}/none"], "none: no such folder; give one that holds STAC items"),
        (["--data", "{here}/empty"], "holds no STAC items"),
        (["--lake", "{here}/none"], "none: no such file or folder. LAKE is the deployed.json of a deployment"),
        (["--lake", "{here}/empty"], "holds no deployed.json"),
        (["--lake", "{here}/stack"], "does not run, and its tables were in its memory"),
        (["--lake", "{here}/text"], "is not JSON"),
        (["--lake", "{here}/other.json"], "has no section `deployed`"),
        (["--lake", "{here}", "--sample", "0"], "SAMPLE=0: how many chips to check, a number from 1 on, or all"),
        (["--lake", "{here}", "--seed", "-1"], "SEED=-1: a number"),
    ],
)
def test_what_cannot_be_checked_is_said_before_anything_starts(lake, checked, capsys, arguments, words):
    for folder in ("empty", "stack"):
        (lake / folder).mkdir()
    (lake / "stack" / "stack.log").write_text("")
    (lake / "text").write_text("lake")
    (lake / "other.json").write_text("{}")
    assert verify.main([each.format(here=lake) for each in arguments]) == 2
    said = capsys.readouterr().err
    assert re.search(words, said), said
    assert checked == []


def test_a_lake_of_the_command_is_named_by_its_folder(tmp_path, checked):
    (tmp_path / "catalogue.sqlite").touch()
    assert verify.main(["--lake", str(tmp_path), "--seed", "7"]) == 0
    [(target, options)] = checked
    assert target == Target(place=tmp_path)
    assert options == ["--sample", "100", "--seed", "7"]
