import signal
import sys
from pathlib import Path

import pytest

from infra.local.options import StackOptions
from infra.local.process import Child, members_by_ps, session_members

GROUPS = """
import os, subprocess, sys, time
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
print(grandchild.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def child(tmp_path):
    """A process with a child in another process group, as PySpark's daemon makes one."""
    out = tmp_path / "out"
    made = Child([sys.executable, "-c", GROUPS], env={}, cwd=tmp_path, stdout=out, stderr=tmp_path / "error")
    while not out.read_text().strip():
        assert made.is_running, (tmp_path / "error").read_text()
    yield made, int(out.read_text())
    made.stop(grace_s=0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to compare with")
def test_ps_finds_what_proc_lists(child):
    made, grandchild = child
    assert sorted(members_by_ps(made.pid)) == sorted(session_members(made.pid)) == sorted([made.pid, grandchild])


def test_the_whole_session_ends_without_proc(child, monkeypatch):
    monkeypatch.setattr("infra.local.process.session_members", members_by_ps)
    made, _ = child
    made.signal(signal.SIGKILL)
    assert made.wait() == -signal.SIGKILL
    while members_by_ps(made.pid):
        pass


@pytest.mark.parametrize(("system", "set_"), [("linux", False), ("darwin", True)])
def test_macos_lets_pyspark_fork(tmp_path, monkeypatch, system, set_):
    monkeypatch.setattr(sys, "platform", system)
    environment = StackOptions(root=tmp_path).step_environment("http://127.0.0.1:1", {})
    assert ("OBJC_DISABLE_INITIALIZE_FORK_SAFETY" in environment) == set_
