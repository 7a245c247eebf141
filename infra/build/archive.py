"""Archives whose bytes follow from the files' names, contents and executable bits alone.

Neither dates, owners nor the order in which a file system lists its files show in them.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

from infra.build.members import LEVEL, Members

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_EXECUTABLE = 0o111


def write_tar(folder: Path, names: Iterable[str], target: Path, instead: Mapping[str, bytes] | None = None) -> None:
    """Pack files of a folder, in the order of their names, owned by root, as of 1970.

    Args:
        folder: Where the files lie.
        names: Their paths in it, with slashes.
        target: The archive, ``.tar.gz``; it appears when it is whole.
        instead: Contents to pack in place of some files' own.
    """
    partial = target.with_name(target.name + ".part")
    with partial.open("wb") as file, Members(file) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for name in sorted(names):
            _add(archive, folder / name, name, (instead or {}).get(name))
    partial.replace(target)


def write_zip(files: Iterable[tuple[Path, str]], target: Path) -> None:
    """Zip files under the names given, in the order of the names."""
    partial = target.with_name(target.name + ".part")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for path, name in sorted(files, key=lambda pair: pair[1]):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.external_attr = _mode(path) << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    partial.replace(target)


def _add(archive: tarfile.TarFile, path: Path, name: str, content: bytes | None) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = _mode(path)
    if path.is_symlink():
        entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
        archive.addfile(entry)
        return
    entry.size = path.stat().st_size if content is None else len(content)
    with path.open("rb") if content is None else io.BytesIO(content) as stream:
        archive.addfile(entry, stream)


def _mode(path: Path) -> int:
    return 0o755 if path.lstat().st_mode & _EXECUTABLE else 0o644
