"""A local copy of the model's artefact: each file fetched once per machine, and only if it is needed."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from claylake import store
from model.format import DESCRIPTION
from spark.file_lock import locked

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LocalCopy:
    """The files of an artefact that this machine has.

    Attributes:
        uri: the artefact's folder in the store.
        folder: the copy's; named by the content of model.json, which holds the digests of the other files, so a
            replaced artefact gets another folder.
    """

    uri: str
    folder: Path

    @classmethod
    def of(cls, uri: str, root: Path | None = None) -> LocalCopy:
        """Fetch the description.

        Raises:
            StoreError: if it cannot be read.
        """
        root = root or Path(tempfile.gettempdir()) / "claylake-models"
        digest = hashlib.sha256(store.read(store.join(uri, DESCRIPTION))).hexdigest()
        copy = cls(uri=uri, folder=root / digest[:16])
        copy.folder.mkdir(parents=True, exist_ok=True)
        copy.fetch(DESCRIPTION)
        return copy

    def fetch(self, name: str) -> Path:
        """A file of the artefact; fetched if this machine does not have it, by one worker while the others wait.

        Raises:
            StoreError: if it cannot be read.
        """
        path = self.folder / name
        if path.is_file():
            return path
        # Not the folder itself: a worker that tries batch sizes holds the lock on that while it fetches.
        lock = self.folder / ".lock"
        lock.touch()
        with locked(lock):
            if not path.is_file():
                part = path.with_name(f"part-{name}")
                store.download(store.join(self.uri, name), part)
                part.replace(path)
                _log.info("fetched %s of %s to %s", name, self.uri, self.folder)
        return path
