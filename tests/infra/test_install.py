import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = """\
einops==0.8 \\
    --hash=sha256:00
nvidia-cublas-cu12==12.8 ; platform_machine == 'x86_64' and sys_platform == 'linux' \\
    --hash=sha256:01
torch==2.10.0 \\
    --hash=sha256:02 \\
    --hash=sha256:03
triton==3.6.0 ; platform_machine == 'x86_64' and sys_platform == 'linux' \\
    --hash=sha256:04
torchless==1.0 ; python_version < '4' \\
    --hash=sha256:05
xxhash==3.0 ; python_full_version < '3.13' \\
    --hash=sha256:06
"""
UNREACHABLE = """\
error: Request failed after 3 retries
  cause: Failed to fetch
  cause: no such host
"""


@pytest.fixture
def uv(tmp_path):
    """A uv that notes what it is asked, with the requirements that it is given, and refuses what it is told to."""
    program = tmp_path / "uv"
    program.write_text(f"""#!/bin/sh
echo "$@" >> {tmp_path}/asked
for file; do :; done
case "$*" in *sync*) cat "$file" >> {tmp_path}/synced;; *compile*) cat >> {tmp_path}/asked;; esac
case "$*" in *{{refused}}*) cat {tmp_path}/refusal >&2; exit 2;; esac
""")  # fmt: skip
    program.chmod(0o755)

    def told(refused="nothing", words=UNREACHABLE):
        program.write_text(program.read_text().replace("{refused}", refused))
        (tmp_path / "refusal").write_text(words)
        return program

    return told


def install(uv, tmp_path, backend=None, lock=LOCK, interpreter="bash"):
    (tmp_path / "lock.txt").write_text(lock)
    environment = {"PATH": os.environ["PATH"], "UV": str(uv), "TMPDIR": str(tmp_path)}
    if backend is not None:
        environment["TORCH_BACKEND"] = backend
    return subprocess.run(
        [interpreter, str(ROOT / "infra/install"), str(tmp_path / "env"), str(tmp_path / "lock.txt")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("backend", [None, ""])
def test_without_a_backend_the_lock_is_installed_whole(uv, tmp_path, backend):
    assert install(uv(), tmp_path, backend).returncode == 0
    assert (tmp_path / "synced").read_text() == LOCK


def test_a_backend_takes_torchs_part_out_of_the_lock_markers_and_all(uv, tmp_path):
    done = install(uv(), tmp_path, "cpu")
    assert (done.returncode, done.stderr) == (0, "")
    names = [line.partition("==")[0] for line in (tmp_path / "synced").read_text().splitlines() if "==" in line]
    assert names == ["einops", "torchless", "xxhash"]
    asked = (tmp_path / "asked").read_text().splitlines()
    assert "--torch-backend cpu" in asked[0]
    assert asked[1] == "torch==2.10.0"
    assert "pip sync" in asked[2]
    assert asked[3] == "pip install -q --torch-backend cpu torch==2.10.0"


def test_a_lock_without_torch_does_not_ask_for_it(uv, tmp_path):
    lock = "moto==5.2 \\\n    --hash=sha256:00\n"
    assert install(uv("backend"), tmp_path, "cpu", lock).returncode == 0
    assert (tmp_path / "synced").read_text() == lock


@pytest.mark.parametrize("refused", ["compile", "install"])
def test_an_index_that_does_not_answer_costs_one_plain_line(uv, tmp_path, refused):
    done = install(uv(refused), tmp_path, "cpu")
    assert done.returncode == 1
    assert done.stderr == (
        "TORCH_BACKEND=cpu: uv cannot have torch==2.10.0 of that kind from its index of it "
        "(Request failed after 3 retries: no such host); for the ordinary torch, unset TORCH_BACKEND and repeat\n"
    )
    # Nothing has been changed if it was asked before.
    assert (tmp_path / "synced").exists() == (refused == "install")


def test_an_unknown_backend(uv, tmp_path):
    done = install(
        uv("compile", "error: invalid value 'abacus' for '--torch-backend'\n  [possible values: cpu]\n"),
        tmp_path,
        "abacus",
    )
    assert done.returncode == 1
    assert "(invalid value 'abacus' for '--torch-backend')" in done.stderr
    assert done.stderr.count("\n") == 1
