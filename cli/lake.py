"""A lake in a folder: made, found, and held by one process that writes."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claylake.configuration.local import CATALOGUE_FILE, DATABASE, Local
from claylake.errors import BadInputError, SettingsError
from cli.errors import LakeInUseError
from cli.overrides import refuse_elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS: Final = "settings.yaml"
_LOCK: Final = ".lock"
_NEW: Final = """\
# Settings of this lake's runs. An AOI file and the command line win over these, key by key.
# For example:
#
# selection:
#   min_clear_frac: 0.7
# encoder:
#   model: clay-v1.5
"""


@dataclass(frozen=True)
class LakeFolder:
    """A folder that is a lake, or is to become one."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> LakeFolder:
        """The lake at a path, or one that can be made there.

        Raises:
            BadInputError: something else is there.
        """
        lake = cls(path.absolute())
        if not lake.exists():
            lake._refuse_other()
        return lake

    def make(self) -> None:
        """Make it where it is not there.

        Raises:
            BadInputError: the folder cannot be made.
        """
        if self.exists():
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.settings_path.write_text(_NEW, encoding="utf-8")
        except OSError as error:
            msg = f"--lake {self.path}: cannot be made ({error.strerror})"
            raise BadInputError(msg) from error

    def exists(self) -> bool:
        """Whether it is a lake."""
        return self.settings_path.is_file()

    def require(self) -> None:
        """Refuse a folder that is no lake.

        Raises:
            BadInputError: it is none.
        """
        if not self.exists():
            msg = f"--lake {self.path}: no lake is there; `claylake init` or `claylake run` makes one"
            raise BadInputError(msg)

    @property
    def settings_path(self) -> Path:
        """The lake's settings, which make a folder a lake."""
        return self.path / SETTINGS

    def place(self, encoder: Path, database: str = DATABASE) -> Local:
        """Where runs work, as their settings have it.

        Args:
            encoder: folder of an artefact.
            database: namespace of the tables.

        Raises:
            BadInputError: a path that some library would misread, or a namespace that is no name.
        """
        try:
            return Local(folder=str(self.path), encoder=str(encoder.absolute()), database=database)
        except ValueError as error:
            msg = (
                f"--lake {self.path}, --encoder {encoder}, namespace {database!r}: give paths without '?', '#', '%' "
                "and control characters, and a namespace of small letters, digits and _"
            )
            raise BadInputError(msg) from error

    def settings(self) -> dict[str, Any]:
        """The partial settings document of the lake; an empty one where it is yet to be made.

        Raises:
            SettingsError: the file is not YAML of sections and keys, or has settings of other places.
        """
        import yaml

        if not self.exists():
            return {}
        try:
            found = yaml.safe_load(self.settings_path.read_text(encoding="utf-8")) or {}
        except (OSError, ValueError, yaml.YAMLError) as error:
            msg = f"{self.settings_path}: not readable as YAML ({error})"
            raise SettingsError(msg) from error
        if not isinstance(found, dict):
            msg = f"{self.settings_path}: expected sections with keys, got {type(found).__name__}"
            raise SettingsError(msg)
        refuse_elsewhere(found, str(self.settings_path))
        return found

    def bytes(self) -> int:
        """Size on disk."""
        return sum(item.stat().st_size for item in self.path.rglob("*") if item.is_file())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only process that writes to the lake. The lock goes with the process, however that ends.

        Raises:
            LakeInUseError: another one does.
        """
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
                msg = f"{self.path}: process {holder} writes to this lake; wait for it to end, then repeat the command"
                raise LakeInUseError(msg) from error
            os.truncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            yield
        finally:
            os.close(descriptor)

    def _refuse_other(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            msg = f"--lake {self.path}: it is a file; give a folder"
            raise BadInputError(msg)
        if (self.path / CATALOGUE_FILE).exists():
            msg = f"--lake {self.path}: {CATALOGUE_FILE} is there, but no {SETTINGS}: put an empty one there to go on"
            raise BadInputError(msg)
        if self.path.is_dir() and any(self.path.iterdir()):
            msg = f"--lake {self.path}: the folder has other things in it; give a new or empty one"
            raise BadInputError(msg)
