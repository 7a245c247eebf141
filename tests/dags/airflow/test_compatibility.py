"""What an MWAA environment that does not fit the DAG files says, and that nothing else is said before."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from claylake.compatibility import PACKAGES, PLUGINS_VERSION, IncompatibleEnvironmentError, require_environment
from tests.plugins.airflow_home import ROOT

DAG_FILES = sorted((ROOT / "dags").glob("*.py"))
# Airflow, and what it cannot run without.
OF_AIRFLOW = {"aiobotocore", "aiohttp", "airflow", "pendulum", "sqlalchemy"}
HOUSE = {"claylake", "claylake_airflow"}
# Packages are hidden as if installing requirements.txt had failed, and plugins are as given.
PARSE = """
import importlib.abc, runpy, sys

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

hidden = {hidden!r}
if hidden:
    import importlib.util
    real = importlib.util.find_spec
    importlib.util.find_spec = lambda name, package=None: None if name in hidden else real(name, package)
    sys.meta_path.insert(0, Hidden())
try:
    runpy.run_path({path!r})
except BaseException as error:
    print(type(error).__name__, error)
"""


def imports(path):
    """Each import statement of a file, with the top-level names that it needs."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield node, {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, {node.module.partition(".")[0]}


def parse(path, *, hidden=(), plugins):
    done = subprocess.run(
        [sys.executable, "-c", PARSE.format(hidden=set(hidden), path=str(path))],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'dags'}:{plugins}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
class TestEveryDagFile:
    def test_packages_that_were_not_installed_are_named(self, path):
        """What requirements.txt brings, that is; the rest is in MWAA's image."""
        said = parse(path, hidden={"pygeohash", "pyiceberg", "shapely"}, plugins=ROOT / "plugins")
        assert said.startswith(
            "IncompatibleEnvironmentError packages are missing: pygeohash, pyiceberg, shapely; MWAA goes on"
        ), said

    def test_plugins_that_are_not_there(self, path, tmp_path):
        said = parse(path, plugins=tmp_path)
        assert said.startswith(
            "IncompatibleEnvironmentError the plugins are missing (no claylake_airflow): upload plugins.zip"
        ), said

    def test_older_plugins_that_lack_what_is_imported(self, path, tmp_path):
        (tmp_path / "claylake_airflow").mkdir()
        (tmp_path / "claylake_airflow/__init__.py").write_text('VERSION = "0"\n')
        said = parse(path, plugins=tmp_path)
        assert said.startswith(
            f"IncompatibleEnvironmentError the plugins loaded are version 0, these DAG files need {PLUGINS_VERSION}"
        )

    def test_the_check_of_the_environment_comes_first(self, path):
        """Before it only the standard library is imported, and the check itself."""
        tree = ast.parse(path.read_text())
        call = next(
            node.lineno
            for node in tree.body
            if isinstance(node, ast.Expr) and "compatibility.require_environment" in ast.unparse(node)
        )
        early = [
            node for node, tops in imports(path) if node.lineno < call and not tops <= set(sys.stdlib_module_names)
        ]
        assert [ast.unparse(node) for node in early] == ["from claylake import compatibility"]


def test_every_package_that_dags_and_plugins_import_is_looked_for():
    """Add it to `claylake.compatibility.PACKAGES`, and to requirements.txt unless MWAA's image has it."""
    files = [*(ROOT / "dags").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    found = {top for path in files for _, tops in imports(path) for top in tops}
    assert found - set(sys.stdlib_module_names) - OF_AIRFLOW - HOUSE == set(PACKAGES)


def test_what_fits_passes():
    require_environment()


def test_an_unversioned_package_of_that_name_is_refused():
    with pytest.raises(IncompatibleEnvironmentError, match="version unknown"):
        require_environment("json")
