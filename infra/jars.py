"""Fetch the Spark jars with Ivy, once per user, and check each against its pinned sha256.

Ivy comes with pyspark and knows its default repository; nothing here names one. Run it with the
Python of the spark environment: ``python -m infra.jars --cache DIR --out DIR``.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PINS = HERE / "jars.sha256"
IVY_SETTINGS = HERE / "ivysettings.xml"
log = logging.getLogger(__name__)


class JarError(Exception):
    """A jar could not be had, or is not the one that was pinned."""


def pins(text: str) -> dict[str, str]:
    """Maven coordinates (group:artifact:version) to sha256."""
    return {line.split()[1]: line.split()[0] for line in text.splitlines() if line.strip()}


def file_name(coordinates: str) -> str:
    """``<artifact>-<version>.jar``, the name by which jobs ask for it."""
    _, artifact, version = coordinates.split(":")
    return f"{artifact}-{version}.jar"


def matches(path: Path, sha256: str) -> bool:
    """Whether the file is there and has that digest."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == sha256


def fetch(cache: Path, out: Path) -> list[Path]:
    """Put every pinned jar into `out`, from `cache` or by Ivy.

    Raises:
        JarError: if Ivy fails or a digest differs.
    """
    wanted = pins(PINS.read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    jars = cache / "jars"
    missing = [
        coordinates for coordinates, digest in wanted.items() if not matches(jars / file_name(coordinates), digest)
    ]
    if missing:
        _resolve(missing, cache)
    paths = []
    for coordinates, digest in wanted.items():
        cached, path = jars / file_name(coordinates), out / file_name(coordinates)
        if not matches(cached, digest):
            msg = f"{coordinates}: sha256 is not the pinned {digest}; delete {cached} and try again"
            raise JarError(msg)
        if not (path.exists() and path.samefile(cached)):
            _link(cached, path)
        paths.append(path)
    return paths


def _link(source: Path, path: Path) -> None:
    """Hard link where the file system allows it, else a copy."""
    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)
    try:
        os.link(source, partial)
    except OSError:
        shutil.copy2(source, partial)
    partial.replace(path)


def _resolve(coordinates: list[str], cache: Path) -> None:
    log.info("fetching with Ivy: %s", ", ".join(coordinates))
    submit = Path(sys.executable).with_name("spark-submit")
    ivy = cache / "ivy"
    with tempfile.TemporaryDirectory() as folder:
        nothing = Path(folder) / "nothing.py"
        nothing.write_text("", encoding="utf-8")
        command = [
            *(str(submit), "--master", "local[1]", "--packages", ",".join(coordinates)),
            *("--conf", f"spark.jars.ivySettings={IVY_SETTINGS}", "--conf", f"spark.jars.ivy={ivy}"),
            str(nothing),
        ]
        environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"Ivy could not fetch {', '.join(coordinates)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        raise JarError(msg)
    (cache / "jars").mkdir(parents=True, exist_ok=True)
    for item in coordinates:
        group, artifact, version = item.split(":")
        _link(ivy / "jars" / f"{group}_{artifact}-{version}.jar", cache / "jars" / file_name(item))


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="per-user cache folder")
    parser.add_argument("--out", type=Path, required=True, help="where the jars are wanted")
    options = parser.parse_args()
    for path in fetch(options.cache, options.out):
        log.info("%s", path.name)


if __name__ == "__main__":
    main()
