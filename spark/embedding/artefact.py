"""A local copy of the model's artefact, fetched once per machine."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from pathlib import Path

from claylake import store
from spark.embedding.work import FILES

_log = logging.getLogger(__name__)


def local_copy(uri: str, root: Path | None = None) -> Path:
    """Folder with the artefact's files; fetched if this machine does not have it.

    The folder is named by the content of model.json, which holds the digests of the others, so an
    artefact that was replaced is never taken for the older one. Workers that fetch at the same
    time do no harm: the first whole copy stays.

    Raises:
        StoreError: if a file cannot be read.
    """
    root = root or Path(tempfile.gettempdir()) / "claylake-models"
    description = store.read(store.join(uri, FILES[0]))
    folder = root / hashlib.sha256(description).hexdigest()[:16]
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix="part-", dir=root))
    try:
        (partial / FILES[0]).write_bytes(description)
        for name in FILES[1:]:
            (partial / name).write_bytes(store.read(store.join(uri, name)))
        try:
            os.rename(partial, folder)  # noqa: PTH104 - Path.rename would do the same; this says atomic
        except OSError:
            if not folder.is_dir():
                raise
        _log.info("fetched %s to %s", uri, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder
