"""The whole of dist/, with stand-ins for the packed environments, which the cache already has."""

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from claylake.configuration.deployed import Deployed
from claylake.release import CODE, JARS, bootstrap_uri, job_uri
from claylake.vocabulary import STEPS
from infra.build import __main__ as command
from infra.build.environment import key
from infra.build.errors import BuildError
from infra.build.layers import read_layers
from infra.build.make import Sources, make
from infra.build.manifest import File, read_files
from infra.build.models import builder, describe, find_models
from infra.build.table import table
from infra.cloud.dist import read_dist
from infra.cloud.sample import encoder_description
from infra.local.options import REPOSITORY

SUMS = File(name="SHA256SUMS", sha256="0" * 64, size=1)
COPIED = ("dags", "plugins", "spark", "model", "infra/bin", "locks", "requirements.txt", "constraints.txt")


def plant_model(folder):
    folder.mkdir(parents=True)
    (folder / "model.json").write_bytes(encoder_description({"seed": 7}))
    (folder / "encoder-fp32.pt2").write_bytes(b"program")
    return folder


def plant(folder):
    """A copy of this checkout's sources, jars of a line each, and environments as if they had been built."""
    root = folder / "checkout"
    for name in COPIED:
        source, target = REPOSITORY / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "deployed.json"))
        else:
            shutil.copyfile(source, target)
    jars, cache = folder / "jars", folder / "cache"
    jars.mkdir()
    for name in JARS:
        (jars / name).write_bytes(name.encode())
    for layer in read_layers(root / "locks"):
        packed = cache / "build" / key(layer) / f"{layer.name}.tar.gz"
        packed.parent.mkdir(parents=True)
        packed.write_bytes(layer.name.encode())
    model = plant_model(folder / "models/tiny")
    # Nothing may be installed here: all that is asked of uv is in the cache.
    return Sources(root=root, jars=jars, models=[model], cache=cache, uv=folder / "no-uv", backend=None)


@pytest.fixture
def model(tmp_path):
    return plant_model(tmp_path / "models/tiny")


@pytest.fixture
def sources(tmp_path):
    return plant(tmp_path)


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """One build; not to be changed."""
    folder = tmp_path_factory.mktemp("build")
    make(plant(folder), folder / "dist", "cpu")
    return folder / "dist"


def release(folder):
    return json.loads((folder / "manifest.json").read_text())["release"]


class TestDist:
    def test_the_manifest_is_true_and_complete(self, dist):
        document = json.loads((dist / "manifest.json").read_text())
        found = {path.relative_to(dist).as_posix() for path in dist.rglob("*") if path.is_file()}
        assert set(document["files"]) == found - {"manifest.json"}
        for name, about in document["files"].items():
            data = (dist / name).read_bytes()
            assert about == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        assert document["arch"] == "cpu"
        assert document["release"] == document["files"]["SHA256SUMS"]["sha256"]

    @pytest.mark.skipif(sys.platform != "linux", reason="nodes check with the sha256sum of Linux")
    def test_sums_are_those_of_all_that_nodes_load(self, dist):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=dist, check=True)
        listed = {line.split()[1] for line in (dist / "SHA256SUMS").read_text().splitlines()}
        assert listed == {file.name for file in read_files(dist) if not file.name.startswith("mwaa/")} - {"SHA256SUMS"}

    def test_the_stacks_read_it(self, dist):
        read = read_dist(dist)
        assert read.release == release(dist)
        assert read.models == ("tiny",)
        assert "bin/bootstrap.sh" in read.artefacts

    def test_steps_find_all_they_name(self, dist):
        arn = "arn:aws:iam::123456789012:role/x"
        deployed = Deployed(
            region="us-west-2",
            lake="s3://lake",
            artifacts="s3://lake/artifacts/0123",
            log_uri="s3://lake/logs",
            service_role=arn,
            instance_profile=arn,
            subnet_ids=("subnet-1",),
        )
        uris = [bootstrap_uri(deployed), *(job_uri(deployed, step) for step in STEPS)]
        names = [uri.removeprefix(deployed.artifacts + "/") for uri in uris] + [CODE, *(f"jars/{jar}" for jar in JARS)]
        assert [name for name in names if not (dist / name).is_file()] == []

    def test_equal_sources_give_equal_digests_and_changes_show_where_they_count(self, dist, sources, tmp_path):
        mine = tmp_path / "dist"
        make(sources, mine, "cpu")
        assert (mine / "manifest.json").read_bytes() == (dist / "manifest.json").read_bytes()
        with (sources.root / "dags/claylake_reaper.py").open("a") as file:
            file.write("\n")
        make(sources, mine, "cpu")
        assert (mine / "manifest.json").read_bytes() != (dist / "manifest.json").read_bytes()
        assert release(mine) == release(dist), "nodes load what they loaded"
        with (sources.root / "spark/jobs/embed.py").open("a") as file:
            file.write("\n")
        make(sources, mine, "cpu")
        assert release(mine) != release(dist)

    def test_a_foreign_folder_is_not_replaced(self, sources, tmp_path):
        mine = tmp_path / "mine"
        mine.mkdir()
        (mine / "letter.txt").write_text("dear")
        with pytest.raises(
            BuildError, match=r"mine holds no manifest\.json, so it is not a build that may be replaced"
        ):
            make(sources, mine, "cpu")
        assert (mine / "letter.txt").read_text() == "dear"

    def test_a_failed_build_leaves_the_last_one(self, sources, tmp_path):
        mine = tmp_path / "dist"
        make(sources, mine, "cpu")
        (sources.root / "constraints.txt").unlink()
        with pytest.raises(FileNotFoundError):
            make(sources, mine, "cpu")
        assert read_dist(mine).release == release(mine)


class TestMwaa:
    def test_plugins_unpack_into_the_plugins_folder(self, dist):
        with zipfile.ZipFile(dist / "mwaa/plugins.zip") as archive:
            names = archive.namelist()
        assert {"claylake_plugin.py", ".airflowignore", "claylake_airflow/__init__.py"} <= set(names)
        assert not [name for name in names if "__pycache__" in name or name.startswith(("/", "plugins/"))]

    def test_the_dags_folder_is_all_that_dags_need(self, dist):
        folder = dist / "mwaa/dags"
        needed = {"claylake_monthly.py", "claylake_reaper.py", "settings.yaml", ".airflowignore", "claylake/plan.py"}
        assert needed <= {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        assert (folder / "constraints.txt").read_bytes() == (REPOSITORY / "constraints.txt").read_bytes()

    def test_what_a_local_stack_has_left_stays_here(self, sources, tmp_path):
        (sources.root / "dags/deployed.json").write_text("{}")
        (sources.root / "dags/claylake/__pycache__").mkdir(exist_ok=True)
        (sources.root / "dags/claylake/__pycache__/plan.pyc").write_bytes(b"")
        make(sources, tmp_path / "dist", "cpu")
        names = {path.name for path in (tmp_path / "dist/mwaa").rglob("*")}
        assert not names & {"deployed.json", "__pycache__", "plan.pyc"}

    def test_domain_and_plugins_import_from_what_was_shipped(self, dist, tmp_path):
        """As on a worker: the DAGs folder, and the zip unpacked; nothing of the checkout."""
        with zipfile.ZipFile(dist / "mwaa/plugins.zip") as archive:
            archive.extractall(tmp_path / "plugins")
        code = "import claylake.compatibility as h, claylake_airflow as p; print(h.PLUGINS_VERSION == p.VERSION, h.__file__)"
        path = f"{dist / 'mwaa/dags'}:{tmp_path / 'plugins'}"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.startswith("True " + str(dist))


class TestModels:
    def test_by_folder_or_by_name(self, model, tmp_path):
        other = plant_model(tmp_path / "cache/0123/demo-random")
        assert find_models([str(model), "demo-random"], {"demo-random": other}.__getitem__) == [model, other]

    def test_a_folder_that_is_none(self, tmp_path):
        with pytest.raises(BuildError, match=r"is no encoder's folder: it has no model\.json"):
            find_models([str(tmp_path)], pytest.fail)

    def test_the_model_packages_own_words(self, tmp_path, capfd):
        python = tmp_path / "python"
        python.write_text('#!/bin/sh\necho "first use: sha256 0123" >&2\necho "INFO building"\necho "$PWD $*"\n')
        python.chmod(0o755)
        assert str(builder(python, tmp_path, "cuda")("x")) == f"{tmp_path} -m model build --name x --arch cuda"
        assert capfd.readouterr().err == "first use: sha256 0123\n", "what is trusted is seen"
        named = builder(python, tmp_path, "cpu", ["bf16"])("x")
        assert str(named) == f"{tmp_path} -m model build --name x --arch cpu --precision bf16"
        capfd.readouterr()
        python.write_text('#!/bin/sh\necho "no such recipe" >&2\nexit 1\n')
        with pytest.raises(BuildError, match="encoder 'x' cannot be built, see above"):
            builder(python, tmp_path, "cuda")("x")
        assert capfd.readouterr().err == "no such recipe\n"

    def test_two_of_one_name(self, model, tmp_path):
        other = shutil.copytree(model, tmp_path / "other/tiny")
        with pytest.raises(BuildError, match="two encoders are called tiny"):
            find_models([str(model), str(other)], pytest.fail)

    def test_what_the_table_says(self, model):
        assert describe(model) == "tiny: sample+000000000000, built for cpu"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (None, "is of format None; this reader knows 2: build the model again"),
            ({"format": 1}, "is of format 1; this reader knows 2: build the model again"),
            ({"arch": None, "bands": None}, "has a missing or damaged entry"),
            ({"sha256": {"../secret": "0"}}, "only files of the folder itself may be listed"),
        ],
    )
    def test_a_description_of_another_format_is_refused(self, model, changes, words):
        document = [] if changes is None else json.loads((model / "model.json").read_text()) | changes
        (model / "model.json").write_text(json.dumps(document))
        for read in (describe, lambda folder: find_models([str(folder)], pytest.fail)):
            with pytest.raises(BuildError, match=words):
                read(model)

    @pytest.mark.parametrize(("pin", "lines"), [("committed", 1), ("user", 2)])
    def test_the_table_says_what_production_refuses(self, model, pin, lines):
        source = {"checkpoint": "a/b/c.ckpt", "sha256": "01" * 32, "pin": pin}
        (model / "model.json").write_bytes(encoder_description(source))
        said = describe(model).splitlines()
        assert said[0] == "tiny: sample+000000000000, built for cpu"
        assert len(said) == lines
        assert all("production refuses it: tiny was built under a pin of one user" in line for line in said[1:])


class TestCommand:
    @pytest.fixture
    def built(self, monkeypatch, tmp_path):
        """What the command asks the model package and `make` for."""
        asked = []
        monkeypatch.setattr(command, "builder", lambda _python, _root, arch, _precisions: asked.append(arch))
        monkeypatch.setattr(command, "find_models", lambda *_: [])
        monkeypatch.setattr(command, "find_uv", lambda _cache: tmp_path / "uv")
        monkeypatch.setattr(
            command, "make", lambda sources, _out, arch: asked.append((arch, sources.backend)) or [SUMS]
        )
        monkeypatch.delenv("TORCH_BACKEND", raising=False)
        return asked

    def test_without_arch_it_builds_for_gpus_and_says_so(self, built, caplog):
        caplog.set_level(logging.INFO)
        assert command.main(["--model", "x"]) == 0
        assert built == ["cuda", ("cuda", None)]
        said = [record.getMessage() for record in caplog.records if "ARCH" in record.getMessage()]
        assert said == [
            "no ARCH given: building for a cluster whose nodes embed on GPUs, cuda; ARCH=cpu for nodes without"
        ]

    @pytest.mark.parametrize(("arch", "backend"), [("cuda", None), ("cpu", "cpu")])
    def test_an_arch_that_is_given_counts(self, built, caplog, arch, backend):
        caplog.set_level(logging.INFO)
        assert command.main(["--model", "x", "--arch", arch]) == 0
        assert built == [arch, (arch, backend)]
        assert "no ARCH given" not in caplog.text

    @pytest.mark.parametrize(
        ("given", "wanted"),
        [([], ""), (["ARCH=cpu"], '--arch "cpu"'), (["ARCH="], "")],
    )
    @pytest.mark.parametrize("target", ["build", "model"])
    def test_make_hands_over_what_it_is_given(self, target, given, wanted):
        environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
        done = subprocess.run(
            ["make", "-n", target, *given], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
        )
        (line,) = [line for line in done.stdout.splitlines() if "-m infra.build" in line or "-m model build" in line]
        assert ("--arch" in line) == bool(wanted)
        assert wanted in line


def test_the_table_shows_sizes_and_digests_largest_first(dist):
    lines = table(read_files(dist)).splitlines()
    assert any(re.fullmatch(r" +[\d.]+ kB  mwaa/dags/ \(\d+ files\)", line) for line in lines)
    assert any(re.search(r"jobs/ \(\d+ files\)", line) for line in lines)
    units = {"B": 1, "kB": 1e3, "MB": 1e6}
    sizes = [float(line.split()[0]) * units[line.split()[1]] for line in lines[:-1]]
    assert sizes == sorted(sizes, reverse=True)
    assert any(line.split()[2:] == ["SHA256SUMS", release(dist)[:12]] for line in lines)
    assert re.fullmatch(r" +[\d.]+ [kM]B  in all", lines[-1])
