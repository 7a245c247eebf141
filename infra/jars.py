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

from infra import trust

HERE = Path(__file__).parent
PINS = HERE / "jars.sha256"
"""Of what every job loads."""
IN_FOLDER = HERE / "jars-in-folder.sha256"
"""Of what a lake in a folder of this machine needs: no AWS, but a database for the catalogue."""
IVY_SETTINGS = HERE / "ivysettings.xml"
_WHAT = "Fetch the jars of the Spark jobs with Ivy, once per user, and check each against its pinned sha256."
_UNTRUSTED = "PKIX path building failed"
_ADVICE = "is a Maven repository within reach? Behind a proxy, set it in JAVA_TOOL_OPTIONS (-Dhttps.proxyHost=...)"
log = logging.getLogger(__name__)


class JarError(Exception):
    """A jar could not be had, or is not the one that was pinned."""


def pins(text: str) -> dict[str, str]:
    """Maven coordinates (group:artifact:version) to sha256."""
    return {line.split()[1]: line.split()[0] for line in text.splitlines() if line.strip()}


def file_name(coordinates: str) -> str:
    """``<artifact>-<version>.jar``, the name by which jobs load it."""
    _, artifact, version = coordinates.split(":")
    return f"{artifact}-{version}.jar"


def matches(path: Path, sha256: str) -> bool:
    """Whether the file is there and has that digest."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == sha256


def fetch(cache: Path, out: Path, pinned: Path = PINS) -> list[Path]:
    """Put every pinned jar into `out`, from `cache` or by Ivy.

    Args:
        cache: the user's folder for downloads.
        out: where the jars are wanted.
        pinned: file of their coordinates and digests.

    Raises:
        JarError: if Ivy fails or a digest differs.
    """
    wanted = pins(pinned.read_text(encoding="utf-8"))
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
            link(cached, path)
        paths.append(path)
    return paths


def link(source: Path, path: Path) -> None:
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
    ivy = cache / "ivy"
    with tempfile.TemporaryDirectory() as folder:
        done = _submit(coordinates, ivy, Path(folder))
        if done.returncode and _UNTRUSTED in done.stdout + done.stderr:
            log.info("this Java does not trust the certificates: trying again with the authorities that Python trusts")
            store = Path(folder) / "authorities.jks"
            store.write_bytes(trust.key_store(trust.authorities()))
            done = _submit(coordinates, ivy, Path(folder), *trust.options(store))
    if done.returncode:
        raise JarError(f"Ivy could not fetch {', '.join(coordinates)}: {reason(done.stdout + done.stderr)}; {_ADVICE}")
    (cache / "jars").mkdir(parents=True, exist_ok=True)
    for item in coordinates:
        group, artifact, version = item.split(":")
        link(ivy / "jars" / f"{group}_{artifact}-{version}.jar", cache / "jars" / file_name(item))


def _submit(coordinates: list[str], ivy: Path, folder: Path, *java: str) -> subprocess.CompletedProcess[str]:
    """A Spark program that does nothing but have packages resolved."""
    nothing = folder / "nothing.py"
    nothing.write_text("", encoding="utf-8")
    command = [
        *(str(Path(sys.executable).with_name("spark-submit")), "--master", "local[1]"),
        *("--packages", ",".join(coordinates)),
        *("--conf", f"spark.jars.ivySettings={IVY_SETTINGS}", "--conf", f"spark.jars.ivy={ivy}"),
        *(("--driver-java-options", " ".join(java)) if java else ()),
        str(nothing),
    ]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def reason(said: str) -> str:
    """What Ivy and Java say of a failure, in a line: the first error that they name, else their last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    named = [line for line in lines if "error" in line.lower() or "exception" in line.lower()]
    return (named or lines or ["it said nothing"])[0 if named else -1][:400]


def main() -> int:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=_WHAT)
    parser.add_argument("--cache", type=Path, required=True, help="per-user cache folder")
    parser.add_argument("--out", type=Path, required=True, help="where the jars are wanted")
    options = parser.parse_args()
    try:
        for path in fetch(options.cache, options.out):
            log.info("%s", path.name)
    except JarError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
