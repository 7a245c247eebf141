"""The version of files to compare with: a folder, or what git holds of a revision."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from infra.dag_check.errors import CheckError

if TYPE_CHECKING:
    from pathlib import Path

HEAD: Final = "HEAD"
_BLOB: Final = "blob"


def write_revision(revision: str, folder: Path, into: Path) -> None:
    """Write the files that a revision has directly in a folder; none where it has no such folder.

    Args:
        revision: a commit, as git names it.
        folder: in a working tree.
        into: an empty folder.

    Raises:
        CheckError: git does not know the revision, or the folder is in no working tree.
    """
    # Without it, a folder that is not in the revision is an error like an unknown revision.
    _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", revision=revision)
    for entry in _git(folder, "ls-tree", "-z", revision, revision=revision).split(b"\0"):
        about, _, name = entry.partition(b"\t")
        if _BLOB.encode() in about.split()[1:2]:
            content = _git(folder, "cat-file", _BLOB, about.split()[2].decode(), revision=revision)
            (into / name.decode()).write_bytes(content)


def write_copy(before: Path, into: Path) -> None:
    """Copy the files that lie directly in a folder."""
    for path in before.iterdir():
        if path.is_file():
            shutil.copyfile(path, into / path.name)


def _git(folder: Path, *arguments: str, revision: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except OSError as error:
        msg = f"git does not start ({error}): install it, or give BEFORE a folder of earlier files"
        raise CheckError(msg) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or "no such commit"
        msg = (
            f"{revision} in {folder}: {said}; give BEFORE a folder of earlier files, or a commit of its git repository"
        )
        raise CheckError(msg)
    return done.stdout
