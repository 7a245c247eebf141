"""``python -m infra.local.class_archive.rehearse``: make the class archive of this machine, unless it is there.

A JVM of its own runs `spark/rehearsal.py` against a local stack of its own, and writes the archive as it ends. About a
minute of CPU time, once for each user, JVM and set of jars; whatever goes wrong, steps start without one as before.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.jars import PINS, file_name, link, pins
from infra.local import client
from infra.local.class_archive import archive
from infra.local.home import Home, HomeError
from infra.local.options import JVM_OPTIONS, REPOSITORY, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger(__name__)
KEPT = 3
"""Archives that a user keeps, of those used last: each is 200 MB."""
_FAILED = "failed.txt"
_PATIENCE_S = 600
_SUBMIT = "org.apache.spark.deploy.SparkSubmit"


class RehearsalError(RuntimeError):
    """No archive could be made; the message holds the end of the JVM's output."""


def make(cache: Path, java_home: Path, jars: Path) -> archive.ClassArchive | None:
    """The archive, made if there is none that fits; None where that has failed before.

    Safe beside others that make the same: they wait, and find it.

    Args:
        cache: The user's cache.
        java_home: Of the JVM.
        jars: Folder of the pinned jars.

    Raises:
        RehearsalError: it failed now.
    """
    options = StackOptions(root=REPOSITORY, java_home=java_home)
    spark = archive.spark_of(options.spark_python)
    folder = archive.folder_of(cache, java_home, spark)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        found = archive.find(cache, java_home, spark)
        if found is None and (folder / _FAILED).exists():
            log.info("no class archive: this JVM failed to write one before (%s)", folder / _FAILED)
        if found or (folder / _FAILED).exists():
            return found
        log.info("making the class archive of this JVM, once: steps start faster with it")
        ours = [jars / file_name(coordinates) for coordinates in pins(PINS.read_text(encoding="utf-8"))]
        names = tuple(_linked(jar, folder / archive.JARS) for jar in (*archive.spark_jars(spark), *ours))
        try:
            made = _dump(folder, names, options, spark)
        except RehearsalError as error:
            (folder / _FAILED).write_text(f"{error}\n", encoding="utf-8")
            raise RehearsalError(f"{error}\nDelete {folder} to try again.") from error
        except (client.StackFailedError, subprocess.TimeoutExpired) as error:  # a busy machine: the next set-up tries
            raise RehearsalError(str(error)) from error
        digests = {name: archive.digest_of(folder / name) for name in made}
        card = {
            "archives": digests,
            "class_path": names,
            "jars": {jar.name: archive.digest_of(jar) for jar in ours},
        }
        part = folder / f"{archive.CARD}.part"
        part.write_text(json.dumps(card, indent=1), encoding="utf-8")
        part.replace(folder / archive.CARD)
    _forget(cache / "classes", folder)
    return archive.find(cache, java_home, spark)


def _dump(folder: Path, names: tuple[str, ...], options: StackOptions, spark: Path) -> list[str]:
    """Write the archive's files; their names, in the order in which the JVM takes them."""
    java, made = archive.java_of(options.java_home), []
    base = []
    if options.java_home and not (options.java_home / "lib/server/classes.jsa").exists():
        # A small runtime comes without an archive of its own classes, on which ours would lie.
        base = [f"-XX:SharedArchiveFile={folder / archive.BASE}"]
        _run([java, "-Xshare:dump", *JVM_OPTIONS, *base], os.environ)
        made.append(archive.BASE)
    part = folder / f"{archive.ARCHIVE}.part"
    part.unlink(missing_ok=True)
    class_path = ":".join(str(folder / archive.JARS / name) for name in names)
    with (
        tempfile.TemporaryDirectory() as root,
        client.running(Path(root) / "stack") as info,
    ):
        environment = {
            **options.step_environment(info.endpoint),
            "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'dags'}",
            "SPARK_LOCAL_DIRS": root,
            "SPARK_HOME": str(spark),
            "SPARK_SCALA_VERSION": "2.12",
        }
        arguments = ["--master", "local[*]", str(REPOSITORY / "spark/rehearsal.py"), info.lake]
        launcher = [java, "-cp", f"{spark / 'jars'}/*", "org.apache.spark.launcher.Main", _SUBMIT, *arguments]
        command = [word.strip("\n") for word in _run(launcher, environment).split("\0") if word.strip()]
        # An archive serves class paths that begin with its own: so not what spark-submit appends, which each clone
        # has elsewhere.
        command[command.index("-cp") + 1] = class_path
        first = command.index(_SUBMIT)
        command[first:first] = [*base, f"-XX:ArchiveClassesAtExit={part}"]
        said = _run(command, environment, cwd=root)
    if not part.exists():
        raise RehearsalError(f"the JVM wrote no archive:\n{said[-2000:]}")
    part.replace(folder / archive.ARCHIVE)
    return [*made, archive.ARCHIVE]


def _run(command: list[str], environment: Mapping[str, str], cwd: str | None = None) -> str:
    """What a program says on both outputs, or on the standard one where that is all it says."""
    done = subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
    )
    if done.returncode:
        raise RehearsalError(f"{command[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout or done.stderr


def _linked(jar: Path, folder: Path) -> str:
    """The jar in a folder, as a hard link where the file system allows it; keeps its time, which the JVM compares."""
    folder.mkdir(exist_ok=True)
    target = folder / jar.name
    if not target.exists():
        link(jar, target)
    return jar.name


def _forget(classes: Path, newest: Path) -> None:
    others = sorted(
        (folder for folder in classes.iterdir() if folder.is_dir() and folder != newest),
        key=lambda folder: folder.stat().st_mtime,
    )
    for folder in others[: max(0, len(others) - KEPT + 1)]:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One maker at a time; the lock goes with the process."""
    with folder.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Command line; the exit code is 0 also where no archive could be made."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m infra.local.class_archive.rehearse", description=__doc__)
    parser.parse_args()
    home = Home()
    try:
        make(home.cache, Path(home.java()), REPOSITORY / ".cache/jars")
    except (RehearsalError, HomeError, OSError) as error:
        log.warning("no class archive, steps start as fast as without: %s", error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
