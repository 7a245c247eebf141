"""The import rules that `make lint` holds: they cover what they are to cover, and a breach of each is found."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS, ROOTS = LINTER["contracts"], set(LINTER["root_packages"])
PLUGINS = ROOT / "plugins/claylake_airflow"
MOTO = {"infra.local.emr", "infra.local.glue"}
"""Packages that extend moto."""
WITH_DAGS = {"operators", "reaper"}
"""Loaded by DAG files and workers, which have dags/ on their path."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    for part in ("dags", "plugins", "spark", "model", "infra", "cli"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder):
    places = os.pathsep.join(map(str, (folder / "dags", folder / "plugins", folder)))
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder, env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def named(words):
    (name,) = (contract["name"] for contract in CONTRACTS if words in contract["name"])
    return name


def test_the_house_keeps_them(checkout):
    code, said = lint(checkout)
    assert code == 0, said


@pytest.mark.parametrize(
    ("file", "breach", "contract"),
    [
        ("plugins/claylake_airflow/links.py", "from claylake import plan", "never needs dags/"),
        ("plugins/claylake_airflow/timetable.py", "import shapely", "never needs dags/"),
        # indirectly, within a function, and for type checkers
        ("plugins/claylake_airflow/step_log.py", "def f():\n    from claylake_airflow import reaper\nimport pyiceberg", "never needs dags/"),
        ("plugins/claylake_airflow/run_note.py", "def f():\n    import claylake.plan", "never needs dags/"),
        ("plugins/claylake_airflow/operators/base.py", "import claylake_monthly", "DAG files are imported by no package"),
        ("infra/verify/rules.py", "from spark.sentinel2 import radiometry", "shares no code"),
        ("infra/verify/scene_files.py", "def f():\n    from claylake.catalogue import scene", "shares no code"),
        ("infra/verify/check.py", "from infra.world import place", "shares no code"),
        ("spark/session.py", "import claylake_reaper", "DAG files are imported by no package"),
        ("infra/doctor/page.py", "import yaml", "before set-up"),
        ("infra/java.py", "from claylake import plan", "before set-up"),
        ("model/processor.py", "import numpy", "before set-up"),
        ("cli/engine.py", "from infra.local import options", "the command works without Airflow"),
        ("spark/session.py", "def f():\n    import cli.lake", "jobs load only"),
        ("infra/local/emr/step.py", "from claylake import month", "offered to moto"),
        ("infra/local/emr/fleet.py", "from infra.local import process", "offered to moto"),
        ("infra/local/glue/calls.py", "def f():\n    from infra import java", "offered to moto"),
        ("infra/local/glue/optimizers.py", "import model.format", "offered to moto"),
    ],
)  # fmt: skip
def test_a_breach_is_found(checkout, file, breach, contract):
    path = checkout / file
    before = path.read_text()
    path.write_text(f"{before}\n{breach}\n")
    try:
        code, said = lint(checkout)
    finally:
        path.write_text(before)
    assert code == 1, said
    assert f"{named(contract)} BROKEN" in " ".join(said.split()), said


def test_every_module_of_the_plugins_has_its_place():
    (contract,) = (each for each in CONTRACTS if each["name"] == named("never needs dags/"))
    listed = {name.removeprefix("claylake_airflow.") for name in contract["source_modules"]}
    modules = {
        path.stem for path in PLUGINS.iterdir() if path.stem != "__init__" and (path.is_dir() or path.suffix == ".py")
    }
    assert listed == modules - WITH_DAGS - {"__pycache__"}


def test_the_file_that_airflow_loads_needs_those_alone():
    """It is no package, so the linter does not see it."""
    (path,) = (ROOT / "plugins").glob("*.py")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= set(sys.stdlib_module_names)
        elif isinstance(node, ast.ImportFrom):
            tops = {node.module.partition(".")[0]}
            assert tops <= {"__future__", "airflow", "claylake_airflow"}
            assert not WITH_DAGS & {*node.module.split("."), *(alias.name for alias in node.names)}


def children(folder):
    """Modules and packages of a folder."""
    return {
        path.stem for path in folder.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path.is_dir() and any(path.glob("**/*.py")))
    }  # fmt: skip


def test_what_extends_moto_is_kept_from_every_other_module_of_ours():
    (contract,) = (each for each in CONTRACTS if each["name"] == named("offered to moto"))
    infra = {f"infra.{name}" for name in children(ROOT / "infra") - {"local"}}
    local = {f"infra.local.{name}" for name in children(ROOT / "infra/local")}
    assert set(contract["source_modules"]) == MOTO
    assert set(contract["forbidden_modules"]) == {*ROOTS - {"infra"}, *infra, *local - MOTO}


def test_what_checks_chips_is_kept_from_every_other_module_of_ours():
    (contract,) = (each for each in CONTRACTS if each["name"] == named("shares no code"))
    others = {f"infra.{name}" for name in children(ROOT / "infra") - {"verify"}}
    assert set(contract["forbidden_modules"]) == {*ROOTS - {"infra"}, *others, "airflow", "pyspark"}


def test_what_extends_moto_imports_moto_botocore_and_the_standard_library():
    files = [path for name in MOTO for path in (ROOT / name.replace(".", "/")).glob("*.py")]
    assert {top for path in files for top in imported(path)} == {"moto", "botocore"}
    says = "imports only moto, botocore and the standard library"
    pages = [(ROOT / name.replace(".", "/") / "__init__.py").read_text() for name in MOTO]
    assert all(says in " ".join(page.split()) for page in pages)
    assert (ROOT / "ARCHITECTURE.md").read_text().count(says) == len(MOTO)


def imported(path):
    """What a file imports, from the standard library and from `MOTO` aside: top-level packages, or modules of ours."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and not any(f"{name}.".startswith(f"{own}.") for own in MOTO):
                yield name if top in ROOTS else top


def test_every_dag_file_is_named():
    (contract,) = (each for each in CONTRACTS if each["name"] == named("DAG files are imported by no package"))
    assert set(contract["forbidden_modules"]) == {path.stem for path in (ROOT / "dags").glob("*.py")}
