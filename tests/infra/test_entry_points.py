"""Every command of infra finds the domain by itself, without a PYTHONPATH."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "infra").rglob("*.py")
    if '__name__ == "__main__"' in path.read_text()
    and path.parts[-2] not in ("pictures", "tiles", "verify", "world")  # need the spark environment
)


def test_commands_are_found():
    assert {"infra.app", "infra.costs", "infra.kept", "infra.local.demo.__main__", "infra.synth"} <= set(COMMANDS)


def test_they_import_without_a_path():
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join(COMMANDS)}"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_a_caller_puts_on_the_path_comes_first(tmp_path):
    (tmp_path / "claylake").mkdir()
    (tmp_path / "claylake/__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", "import infra, claylake; print(claylake.__file__)"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(str(tmp_path))
