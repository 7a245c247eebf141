"""The JVM's classes as they lie in memory, kept for later starts: a session loads 20,000 of them.

Java's class data sharing (JEP 350) keeps them in an archive. The first run that is whole writes one to the user's
cache; the JVMs of later sessions work a fifth less. A JVM compares its own build and each jar's size and time with what
the archive was made of, and does without one that does not fit. It trusts the rest, and dies of a file that is not
whole: so an archive takes its name when it is, and its digest is checked.
"""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_log = logging.getLogger(__name__)
_KEPT: Final = 2
"""Archives that a user keeps, of those made last: each is 200 MB."""
_QUIET: Final = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off")
_RECORDING: Final = "-XX:+RecordDynamicDumpInfo"
_PATIENCE_S: Final = 120


@dataclass(frozen=True, kw_only=True)
class Classes:
    """The archive of one JVM and its jars.

    `java_home`: of the JVM. `path`: where the archive is, or will be. `kept`: it is there.
    """

    java_home: Path
    path: Path
    kept: bool

    @classmethod
    def of(cls, cache: Path, java_home: Path, jars: Iterable[Path]) -> Self:
        """What there is for this Java and these jars.

        Args:
            cache: the user's.
            java_home: of the JVM.
            jars: in the order of the class path.
        """
        release = subprocess.run([java_home / "bin/java", "-version"], capture_output=True, text=True, check=False)
        files = [(str(jar), jar.stat().st_size, jar.stat().st_mtime_ns) for jar in jars]
        key = hashlib.sha256(json.dumps([release.stderr, files]).encode()).hexdigest()[:16]
        path = cache / "classes-here" / f"{key}.jsa"
        return cls(java_home=java_home, path=path, kept=_is_whole(path))

    @property
    def possible(self) -> bool:
        """Whether this Java can write one: small runtimes lack the tool, and the archive on which ours would lie.

        Spark takes a JVM's options apart at blanks.
        """
        parts = (self.java_home / "bin/jcmd", self.java_home / "lib/server/classes.jsa")
        return all(part.exists() for part in parts) and " " not in str(self.path)

    @property
    def options(self) -> Sequence[str]:
        """The JVM's, to use the archive, or to be able to write one."""
        if not self.possible:
            return ()
        return (f"-XX:SharedArchiveFile={self.path}" if self.kept else _RECORDING, *_QUIET)

    def keep(self, jvm: int) -> bool:
        """Write the archive of what a JVM has loaded by now; gives whether there is one then.

        Args:
            jvm: its process id; it was started with `options`.
        """
        if self.kept or not self.possible:
            return self.kept
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
            part = Path(folder) / self.path.name
            try:
                command = [str(self.java_home / "bin/jcmd"), str(jvm), "VM.cds", "dynamic_dump", str(part)]
                subprocess.run(command, capture_output=True, check=True, timeout=_PATIENCE_S)
                digest = _digest(part)
            except (OSError, subprocess.SubprocessError) as error:
                _log.warning("the JVM kept no classes: %s", error)
                return False
            _card(self.path).write_text(digest, encoding="ascii")
            part.replace(self.path)
        self._forget_old()
        return True

    def _forget_old(self) -> None:
        archives = sorted(self.path.parent.glob("*.jsa"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in archives[_KEPT:]:
            old.unlink(missing_ok=True)
            _card(old).unlink(missing_ok=True)


def _is_whole(path: Path) -> bool:
    try:
        return _card(path).read_text(encoding="ascii") == _digest(path)
    except (OSError, UnicodeDecodeError):
        return False


def _card(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
