"""Query the package index for whether every lock can be installed, from wheels, on every platform.

``make locks-check``: nothing is fetched but what the index says of each package, and nothing is run on those platforms.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

LOCKS = Path(__file__).parents[1] / "locks"
PYTHONS: Mapping[str, str] = MappingProxyType(
    {"airflow": "3.12", "spark": "3.11", "infra": "3.12", "oracle": "3.11", "docs": "3.12"}
)
"""Python of each environment."""
PLATFORMS: Mapping[str, str] = MappingProxyType(
    {
        "Linux x86-64": "x86_64-manylinux_2_28",
        "Linux on ARM": "aarch64-manylinux_2_28",
        "macOS on ARM": "aarch64-apple-darwin",
    }
)
"""uv's names of the platforms, with the oldest glibc for which there are wheels."""
OLDEST_MACOS = "14.0"
SOURCES = frozenset({"pyspark"})
"""Packages that come as source everywhere: Python and jars, nothing to compile."""
log = logging.getLogger(__name__)


class LockError(Exception):
    """uv could not say whether a lock can be installed."""


def without_wheels(lock: str, *, python: str, platform: str, uv: str) -> tuple[str, ...]:
    """Names of the packages of a lock that have no wheel for a platform.

    uv names one at a time, which is then taken out of the question.

    Args:
        lock: The lock file's text.
        python: Version of Python, such as 3.11.
        platform: By uv's name of it.
        uv: The program.

    Raises:
        LockError: uv refuses the lock for another reason; the message holds its words.
    """
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lock.txt"
        command = [uv, "pip", "install", "--dry-run", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        command += ["--python-version", python, "--python-platform", platform, "--python", sys.executable]
        command += ["--target", f"{folder}/nothing", "-r", str(file)]
        environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
        while True:
            file.write_text(lock, encoding="utf-8")
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return tuple(found)
            name = culprit(done.stderr)
            if name is None or name in found:
                raise LockError(f"uv says of {platform}: {done.stderr.strip()[-1000:]}")
            found.append(name)
            lock = without(lock, name)


def culprit(said: str) -> str | None:
    """The package that uv finds no wheel of; None where it complains of something else."""
    found = re.search(r"Because ([A-Za-z0-9._-]+)(?:\{[^}]*\})?==\S+\s+has\s+no\s+(?:usable\s+)?wheels", said)
    return found[1] if found else None


def without(lock: str, name: str) -> str:
    """A lock without one requirement: the line that begins with its name, and the indented ones after it."""
    return re.sub(rf"(?m)^{re.escape(name)}==.*\n?(?:[ \t].*\n?)*", "", lock)


def main(uv: str | None = None, platforms: Sequence[str] = tuple(PLATFORMS)) -> int:
    """Command line: a line for each lock and platform; 1 if any lacks wheels."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    uv = uv or os.environ.get("UV", "uv")
    complete = True
    for name, python in PYTHONS.items():
        text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8")
        for platform in platforms:
            lacking = without_wheels(text, python=python, platform=PLATFORMS[platform], uv=uv)
            bad = sorted(set(lacking) - SOURCES)
            complete &= not bad
            sources = sorted(set(lacking) & SOURCES)
            note = f"; as source: {', '.join(sources)}" if sources else ""
            log.info("%-8s %s: %s%s", name, platform, f"no wheel of {', '.join(bad)}" if bad else "all wheels", note)
    return int(not complete)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LockError as error:
        sys.exit(str(error))
