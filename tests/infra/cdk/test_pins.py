"""Production takes the published weights under a committed pin only; a sandbox says what is doubtful."""

import json
import logging
import subprocess
import sys

import pytest

from infra.app import build
from infra.cloud.config import Stage, read_stage
from infra.cloud.dist import read_dist
from infra.cloud.errors import DistError, PinError
from infra.cloud.pins import check_pins
from infra.cloud.sample import encoder_description, write_sample
from infra.pinned import doubt
from tests.infra.cdk.conftest import CONTEXT, ROOT

SHA256 = "ab" * 32
SOURCE = {"checkpoint": "made-with-clay/Clay/v1.5/clay-v1.5.ckpt", "revision": "0" * 40, "sha256": SHA256}
COMMITTED, USERS = {**SOURCE, "pin": "committed"}, {**SOURCE, "pin": "user"}
OWN_FILE = {"checkpoint": "tuned.ckpt", "revision": None, "sha256": None, "pin": None}
SANDBOX, PRODUCTION = (read_stage(CONTEXT["stages"], name) for name in ("sandbox", "production"))


def dist_of(folder, source, name="clay-v1.5"):
    write_sample(folder, {f"model/{name}/model.json": encoder_description(source)})
    return read_dist(folder)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (USERS, f"clay-v1.5 was built under a pin of one user only (sha256 {SHA256}): run `make pin`"),
        (SOURCE, "clay-v1.5 is of an older build, which does not say who pinned it: build it again"),
        (OWN_FILE, "clay-v1.5 was built from the file tuned.ckpt, which nothing pins"),
        ({}, "clay-v1.5 does not say which checkpoint it was built from: build it again"),
    ],
    ids=["of one user", "before pins were recorded", "a file of one's own", "silent"],
)
def test_what_is_not_under_a_committed_pin(tmp_path, source, words):
    dist = dist_of(tmp_path, source)
    with pytest.raises(PinError) as caught:
        check_pins(PRODUCTION, dist)
    assert words in str(caught.value)
    assert "stage claylake takes encoders under a committed pin only (encoder.pin in cdk.json)" in str(caught.value)
    assert "Nothing was deployed" in str(caught.value)
    assert [words in said for said in check_pins(SANDBOX, dist)] == [True]


def test_a_committed_pin_passes_everywhere(tmp_path):
    dist = dist_of(tmp_path, COMMITTED)
    assert check_pins(PRODUCTION, dist) == check_pins(SANDBOX, dist) == []


def test_every_encoder_of_a_build_counts(tmp_path):
    dist = dist_of(tmp_path, OWN_FILE, "tuned")
    with pytest.raises(PinError, match=r"tuned was built from the file tuned\.ckpt"):
        check_pins(PRODUCTION, dist)


@pytest.mark.parametrize("source", [{"seed": 7}, {}])
def test_encoders_without_a_checkpoint_need_no_pin(source):
    assert doubt("demo-random", source) is None
    assert "does not say" in doubt("clay-v1.5", source)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "is not JSON"),
        (b"[]", "is of format None"),
        (b'{"format": 1}', "is of format 1"),
        (b'{"format": 2, "arch": "cpu"}', "has a missing or damaged entry"),
    ],
)
def test_a_description_that_cannot_be_read(tmp_path, text, words):
    write_sample(tmp_path, {"model/clay-v1.5/model.json": text})
    with pytest.raises(DistError, match=f"{words}.*; then run make build"):
        check_pins(SANDBOX, read_dist(tmp_path))


def test_a_stage_is_strict_unless_it_says_otherwise():
    assert Stage(name="another").encoder.pin == PRODUCTION.encoder.pin == "committed"
    assert SANDBOX.encoder.pin == "any"


@pytest.mark.slow
def test_the_app_refuses_and_says(tmp_path, caplog):
    dist_of(tmp_path / "dist", USERS)
    context = {**CONTEXT, "dist": str(tmp_path / "dist")}
    with pytest.raises(PinError):
        build({**context, "stage": "production"}, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.template.json")), "nothing to deploy"
    with caplog.at_level(logging.WARNING):
        build({**context, "stage": "sandbox"}, tmp_path / "out")
    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        "clay-v1.5 was built under a pin of one user only"
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "code"), [("production", 1), ("sandbox", 0)])
def test_the_command_says_it_before_anything_is_deployed(tmp_path, stage, code):
    dist_of(tmp_path / "dist", USERS)
    context = {**CONTEXT, "stage": stage, "dist": str(tmp_path / "dist")}
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env={"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path / "out"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "clay-v1.5 was built under a pin of one user only" in done.stderr
    assert "Traceback" not in done.stderr
    assert bool(list((tmp_path / "out").glob("*.template.json"))) == (code == 0)
