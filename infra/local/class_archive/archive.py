"""The JVM's class archive of this machine: Spark's and the jars' classes, parsed and verified once.

A step's JVM loads 20,000 classes, which costs more than the rest of its start. Java's class data sharing (JEP 310 and
350) keeps them as they lie in memory. `rehearse` makes an archive; this module finds the one that fits.

Why it is safe: the folder's name is a digest of all that an archive depends on, so another JVM, another Spark or other
jars mean another folder. The JVM itself compares its own build and every jar's size and time with what it wrote down,
and with ``-Xshare:auto`` does without an archive that does not fit. It trusts the rest of the file, and dies of a
truncated one, so the file's digest is checked here. The jars come first on the class path from the archive's own
folder, under one path for all clones; that changes no class only while a step brings the same jars, so their digests
are compared before each step.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.jars import PINS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ARCHIVE, BASE, CARD, JARS = "classes.jsa", "base.jsa", "card.json", "jars"
"""In an archive's folder. The card is written last, and holds the digest of the archive that it belongs to."""
_QUIET = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off")
"""An archive that does not fit costs seconds and is no reason to write into a step's output."""


@dataclass(frozen=True, kw_only=True)
class ClassArchive:
    """An archive that is there.

    Attributes:
        folder: Where it lies.
        archives: Names of the archive's files, the JVM's own classes first where they are not in a file of the JVM's.
        class_path: Names of the jars in it, in order.
        digests: Name to sha256 of the jars that steps bring; the others are Spark's.
    """

    folder: Path
    archives: tuple[str, ...]
    class_path: tuple[str, ...]
    digests: Mapping[str, str]

    @property
    def options(self) -> str:
        """The JVM's options."""
        files = ":".join(str(self.folder / name) for name in self.archives)
        return " ".join((f"-XX:SharedArchiveFile={files}", *_QUIET))

    @property
    def driver_class_path(self) -> str:
        """For ``--driver-class-path``."""
        return ":".join(str(self.folder / JARS / name) for name in self.class_path)

    def fits(self, jars: Iterable[Path]) -> bool:
        """Whether these are, byte for byte, the jars that it was made of."""
        return {jar.name: _digest(jar, jar.stat().st_mtime_ns) for jar in jars} == dict(self.digests)

    def joined(self, argv: Sequence[str]) -> tuple[str, ...] | None:
        """A ``spark-submit`` command with the class path put in; None where it must do without."""
        if "--jars" not in argv or any("driver-class-path" in part or "driver.extraClassPath" in part for part in argv):
            return None
        jars = argv[argv.index("--jars") + 1].split(",")
        if not self.fits(map(Path, jars)):
            return None
        return (argv[0], "--driver-class-path", self.driver_class_path, *argv[1:])


def find(cache: Path, java_home: Path | None, spark: Path) -> ClassArchive | None:
    """The archive of this JVM, this Spark and the pinned jars, if it has been made; None, too, where it cannot be read.

    Args:
        cache: The user's cache.
        java_home: None for the `java` on the path.
        spark: Spark's folder.
    """
    try:
        folder = folder_of(cache, java_home, spark)
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if any(digest_of(folder / name) != digest for name, digest in card["archives"].items()):
            return None
        found = ClassArchive(
            folder=folder,
            archives=tuple(card["archives"]),
            class_path=tuple(card["class_path"]),
            digests=dict(card["jars"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none yet, no Java, or a card that is mangled
        return None
    if " " in found.options.partition(" -X")[0]:
        return None  # Spark takes options apart at blanks
    with contextlib.suppress(OSError):  # a cache of another user
        os.utime(folder)  # so that it counts as used
    return found


def folder_of(cache: Path, java_home: Path | None, spark: Path) -> Path:
    """Where the archive of this JVM, this Spark and the pinned jars is, or would be.

    Args:
        cache: The user's cache.
        java_home: None for the `java` on the path.
        spark: Spark's folder.
    """
    said = subprocess.run([java_of(java_home), "-version"], capture_output=True, text=True, check=False).stderr
    jars = [(jar.name, jar.stat().st_size) for jar in spark_jars(spark)]
    known = json.dumps([said, PINS.read_text(encoding="utf-8"), jars])
    return cache / "classes" / hashlib.sha256(known.encode()).hexdigest()[:16]


def java_of(java_home: Path | None) -> str:
    """The program."""
    return str(java_home / "bin/java") if java_home else "java"


def spark_of(python: Path) -> Path:
    """Spark's folder in the environment of a Python."""
    found = sorted((python.parent.parent / "lib").glob("python*/site-packages/pyspark"))
    return found[0] if found else python.parent / "pyspark"


def spark_jars(spark: Path) -> list[Path]:
    """Spark's own jars, in order of their names."""
    return sorted((spark / "jars").glob("*.jar"))


def digest_of(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache(maxsize=64)
def _digest(path: Path, _changed: int) -> str:
    """The same, once for each version of a file."""
    return digest_of(path)
