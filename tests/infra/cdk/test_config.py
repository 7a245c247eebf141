"""Bad arguments are named before anything is deployed."""

import json
import subprocess
import sys
from typing import get_args

import pytest

from infra.cloud.config import Days, read_stage
from infra.cloud.constructs.network import retention
from infra.cloud.dist import read_dist, read_settings
from infra.cloud.errors import DistError, StageError
from tests.infra.cdk.conftest import CONTEXT, ROOT, changed
from tests.infra.cdk.dist import make_dist

VPC = "vpc-0123456789abcdef0"


def read(name="sandbox", **sections):
    return read_stage(changed(name, **sections)["stages"], name)


@pytest.mark.parametrize("name", ["sandbox", "production"])
def test_both_stages_are_valid(name):
    assert read_stage(CONTEXT["stages"], name).region == "us-west-2"


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"airflow": {"max_wokers": 3}}, "airflow.max_wokers"),
        ({"airflow": {"min_workers": 3, "max_workers": 2}}, "max_workers 2 is less"),
        ({"airflow": {"environment_class": "mw1.micro"}}, "one worker"),
        ({"airflow": {"schedulers": 1}}, "two schedulers"),
        ({"airflow": {"log_days": 31}}, "log_days"),
        ({"airflow": {"maintenance_window": "SUN:03:15"}}, "maintenance_window"),
        ({"network": {"vpc_id": VPC}}, "subnet_ids"),
        ({"network": {"subnet_ids": ["subnet-0123456789abcdef0"]}}, "vpc_id"),
        ({"network": {"availability_zones": ["us-west-2a", "us-west-2a"]}}, "different"),
        ({"network": {"nat_gateways": 0}}, "nat_gateways"),
        ({"lake": {"maintenance": "both"}}, "maintenance"),
        ({"guard": {"emails": ["nobody"]}}, "emails"),
        ({"name": "Clay Lake"}, "name"),
        ({"region": "west"}, "region"),
        ({"tags": {"aws:owner": "me"}}, "tags"),
    ],
)
def test_a_bad_value_is_named(sections, words):
    with pytest.raises(StageError, match=words):
        read(**sections)


@pytest.mark.parametrize(("stages", "name"), [(CONTEXT["stages"], "staging"), (None, "sandbox"), ("x", "sandbox")])
def test_an_unknown_stage_is_told_with_the_known_ones(stages, name):
    with pytest.raises(StageError, match="-c stage="):
        read_stage(stages, name)


def test_a_build_must_be_whole(tmp_path):
    with pytest.raises(DistError, match="make build"):
        read_dist(tmp_path)
    dist = make_dist(tmp_path / "dist")
    assert read_dist(dist).models == ("clay-v1.5",)
    (dist / "jars/sedona.jar").write_bytes(b"longer than before")
    with pytest.raises(DistError, match=r"jars/sedona\.jar"):
        read_dist(dist)
    (dist / "manifest.json").write_text("[]")
    with pytest.raises(DistError, match="manifest"):
        read_dist(dist)


def test_settings_of_the_build_are_checked(tmp_path):
    (tmp_path / "settings.yaml").write_text("cluster:\n  max_ours: 3\n")
    with pytest.raises(DistError, match="max_ours"):
        read_settings(tmp_path)
    (tmp_path / "settings.yaml").write_text("a: [")
    with pytest.raises(DistError, match=r"settings\.yaml"):
        read_settings(tmp_path)
    assert read_settings(tmp_path / "none").maintenance.snapshot_days == 7


def test_every_retention_time_has_cloudwatchs_word():
    assert len({retention(days) for days in get_args(Days)}) == len(get_args(Days))


@pytest.mark.slow
def test_the_command_says_what_is_wrong(tmp_path):
    context = {**CONTEXT, "dist": str(tmp_path / "none")}
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env={"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path / "out"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "run make build" in done.stderr
    assert "Traceback" not in done.stderr
