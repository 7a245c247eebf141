"""The names that the search for dead code leaves out: whole names, and each is still needed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
VULTURE = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["vulture"]


def test_no_name_is_left_out_for_nothing(tmp_path):
    (tmp_path / "empty.toml").write_text("")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("vulture"), "--config", tmp_path / "empty.toml", *VULTURE["paths"],
            "--ignore-decorators", ",".join(VULTURE["ignore_decorators"]),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    unused = set(re.findall(r"unused [a-z]+ '(\w+)'", done.stdout))
    assert set(VULTURE["ignore_names"]) - unused == set(), "not reported any more: take them out of ignore_names"
