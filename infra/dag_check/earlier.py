"""The version of files to compare with: a folder, or what git holds of a revision."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from infra.dag_check.errors import CheckError

if TYPE_CHECKING:
    from pathlib import Path

HEAD: Final = "HEAD"
_BLOB: Final = "blob"
_OF_HOOKS: Final = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE")


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
    # Of a hook: they would name its repository, and take the folder for the top of the working tree.
    env = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False, env=env)
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
