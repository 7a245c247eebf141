"""The workflow and the hook in docs/aoi-files.md: they are YAML of the right form, and their commands work."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.infra.dag_check.conftest import square

ROOT = Path(__file__).parents[3]
BLOCKS = [
    yaml.safe_load(text)
    for text in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/aoi-files.md").read_text(), re.DOTALL)
]
(WORKFLOW,) = (block for block in BLOCKS if "jobs" in block)
(HOOKS,) = (block for block in BLOCKS if "repos" in block)
((HOOK,),) = (repo["hooks"] for repo in HOOKS["repos"])
STEPS = WORKFLOW["jobs"]["dag-check"]["steps"]
(RUN,) = (step["run"] for step in STEPS if "run" in step)


def test_the_workflow_has_what_its_command_needs():
    on = WORKFLOW[True]  # YAML 1.1 reads the key `on` as true
    assert set(on) == {"pull_request", "push"}
    checkout, python = (step for step in STEPS if "uses" in step)
    assert checkout["uses"].startswith("actions/checkout@")
    assert checkout["with"]["fetch-depth"] == 2, "HEAD^1 is there"
    assert python["with"]["python-version"] == "3.12", "PYTHON_airflow of the Makefile"


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        ("dags/aois/demo.geojson", True),
        ("dags/settings.yaml", True),
        ("dags/claylake/plan.py", False),
        ("docs/aois/x", False),
    ],
)
def test_the_hook_runs_for_aoi_files_and_settings(path, runs):
    assert bool(re.search(HOOK["files"], path)) == runs
    assert HOOK["pass_filenames"] is False, "make would take them for targets"


@pytest.fixture
def committed(write, settings, tmp_path):
    """A repository of two commits: in the second the AOI is larger."""
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "-q"], check=True)
    for east in (11.7, 11.9):
        write("aois", farm=square(east))
        settings()
        subprocess.run([*git, "add", "aois", "settings.yaml"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", f"to {east}"], check=True)
    return tmp_path


@pytest.fixture
def make(committed):
    """Runs a command for that repository's files: the exit code, and what it printed."""

    def run(command):
        # The environment is there: it is not made anew, whatever the times of files.
        own = [f"AOIS={committed / 'aois'}", f"SETTINGS={committed / 'settings.yaml'}", "-o", ".venv/airflow/.synced"]
        done = subprocess.run([*shlex.split(command), *own], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    return run


def test_the_workflows_command_compares_with_the_commit_before(make):
    code, said = make(RUN)
    assert code == 0, said
    assert re.search(r"^ok +farm .* cells added", said, re.MULTILINE)


def test_the_hooks_command_fails_for_a_bad_file(make, committed):
    (committed / "aois/bad.geojson").write_text("{")
    code, said = make(HOOK["entry"])
    assert code != 0
    assert re.search(r"^ok +farm .*history: same cells$", said, re.MULTILINE)
    assert re.search(r"^wrong bad.geojson +not readable as JSON", said, re.MULTILINE)
