"""The runner of all tests ends, and shows what was said, whatever a test leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.run_tests import HUNG, ROOT, run


def python(script):
    return [sys.executable, "-u", "-c", script]


def test_all_rooms_run_and_the_first_failure_is_the_result(capfd):
    lanes = [[("one", python("print('first'); exit(3)")), ("two", python("print('second')"))],
             [("three", python("print('.... [ 50%]')"))]]  # fmt: skip
    assert run(lanes, os.environ) == 3
    said = capfd.readouterr().out
    assert said.index("== one") < said.index("first") < said.index("== two") < said.index("second")
    assert "== three" in said


def test_a_room_that_hangs_is_ended_and_says_where():
    """A thread that a test left behind: pytest has said its last line, and does not end."""
    script = (
        "import faulthandler, sys, threading; faulthandler.enable()\n"
        "def left_behind(): threading.Event().wait()\n"
        "threading.Thread(target=left_behind).start(); print('1 passed')"
    )
    runner = python(
        f"import os; from infra.run_tests import run; exit(run([[('hangs', {python(script)!r})]], os.environ, 3.0))"
    )
    done = subprocess.run(runner, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == HUNG
    assert done.stdout.index("1 passed") < done.stdout.index("no word for 3 s") < done.stdout.index("in left_behind")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here to see processes in")
def test_a_process_left_behind_keeps_nothing_waiting(tmp_path):
    """It holds the room's output open, and ends with the room."""
    pid = tmp_path / "pid"
    script = f"import subprocess, pathlib; pathlib.Path({str(pid)!r}).write_text(str(subprocess.Popen(['sleep', '600']).pid))"
    assert run([[("leaves", python(script))]], os.environ) == 0
    while Path(f"/proc/{pid.read_text()}").exists():  # pytest's time limit ends the wait
        time.sleep(0.05)


def test_what_was_said_is_shown_when_all_is_ended_from_outside(tmp_path):
    ready = tmp_path / "ready"
    script = f"import pathlib, time; print('so far'); pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    runner = python(f"import os; from infra.run_tests import run; run([[('long', {python(script)!r})]], os.environ)")
    with subprocess.Popen(runner, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        while not ready.exists():
            time.sleep(0.05)
        child.send_signal(signal.SIGTERM)
        said, _ = child.communicate(timeout=60)
    assert child.returncode == 128 + signal.SIGTERM
    assert "so far" in said
    assert "ended from outside" in said
