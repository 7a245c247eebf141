import os
import socket
import sys

import pytest

from infra.doctor.command import Answer, run, version
from infra.doctor.facts import folders, programs, system
from infra.doctor.facts.network import port_error, reason

LOCK = """\
airflow==3.3.1 \\
    --hash=sha256:00
Foo_Bar[extra]==1.0 \\
    --hash=sha256:01
torch==2.10.0 ; sys_platform == 'linux' \\
    --hash=sha256:02
triton==3.6.0 ; platform_machine == 'x86_64' \\
    --hash=sha256:03
"""


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        (["airflow-3.3.1", "foo_bar-1.0", "torch-2.10.0", "triton-3.6.0"], ()),
        (["airflow-3.3.1", "foo_bar-1.0", "torch-2.10.0+cpu"], ()),
        (["airflow-3.3.1", "torch-2.10.0", "more-1"], ("Foo_Bar is not there",)),
        (
            ["airflow-3.3.0", "foo_bar-1.0", "torch-2.9.0"],
            ("airflow 3.3.0 instead of 3.3.1", "torch 2.9.0 instead of 2.10.0"),
        ),
    ],
)
def test_differences_from_a_lock(installed, expected):
    assert folders.differences(LOCK, [f"{each}.dist-info" for each in installed]) == expected


def test_sizes_count_hard_links_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one").write_bytes(bytes(3_000_000))
    os.link(tmp_path / "a/one", tmp_path / "a/two")
    (tmp_path / "a/away").symlink_to("/")
    assert folders.size_mb(tmp_path) == 3


def test_folders_that_are_not_there_yet(tmp_path):
    seen = folders.room({"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "x/y")}, tmp_path)
    assert seen.uv_cache.path == str(tmp_path / "x/y/uv")
    assert seen.uv_cache.device == seen.checkout.device
    assert seen.uv_cache.free_mb > 0
    assert folders.room({"HOME": "/h", "CLAYLAKE_CACHE": "/c", "UV_CACHE_DIR": "/u"}, tmp_path).cache.path == "/c"


def test_nothing_installed(tmp_path):
    seen = folders.installed(tmp_path)
    assert set(seen.environments.values()) == {None}
    assert len(seen.jars_missing) == 3
    assert not seen.complete


def test_a_container_counts_by_its_limit(tmp_path):
    limit, none = tmp_path / "limit", tmp_path / "max"
    limit.write_text("2000000000\n")
    none.write_text("max\n")
    assert system.memory_mb((limit, none, tmp_path / "nothing")) == 2_000
    assert system.memory_mb((none,)) > 2_000


def test_version():
    assert version("GNU Make 3.81") == (3, 81)
    assert version("uv 0.13.9 (x86_64)") == (0, 13, 9)
    assert version("none") == ()


def test_what_does_not_start_is_an_answer(tmp_path):
    assert "does not start" in run([str(tmp_path / "nothing")]).last_line
    assert run([sys.executable, "-c", "import time; time.sleep(60)"], limit_s=1).last_line == "no answer within 1 s"
    assert run([sys.executable, "-c", "import sys; sys.exit(3)"]).last_line == "it ended with status 3"


def test_reasons_hold_no_addresses():
    secret = Answer(2, error="error: failed\n  cause: no answer from https://ada:secret@index.test/simple/pip/")
    assert reason(secret) == "no answer from <address>"
    assert reason(Answer(0)) == ""


def test_a_port_that_is_taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert "Address already in use" in port_error(str(server.getsockname()[1]))


@pytest.mark.parametrize("port", ["70000", "0", "-1", "http", ""])
def test_what_is_no_port(port):
    assert port_error(port) == "is no port"


def test_a_shim_that_starts_nothing_is_no_python(tmp_path):
    shim = tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.11: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    seen = programs.software({"PATH": str(tmp_path), "HOME": str(tmp_path)}, tmp_path)
    assert seen.pythons == {}
    assert seen.uv is None
    assert seen.make is None
    (tmp_path / "python3").symlink_to(sys.executable)
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert here in programs.software({"PATH": str(tmp_path), "HOME": str(tmp_path)}, tmp_path).pythons
