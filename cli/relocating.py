"""A lake whose folder was moved: Iceberg's files hold whole addresses, which are written anew.

Data files stay as they are. The tables' catalogue changes last, in one transaction: a command that was cut short is
repeated.
"""

from __future__ import annotations

import json
import shlex
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from claylake.configuration.local import CATALOGUE_FILE
from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.lake import LakeFolder

_TABLES: Final = "/tables/"
_LOCATIONS: Final = ("metadata_location", "previous_metadata_location")


@dataclass(frozen=True, kw_only=True)
class Relocated:
    """What was done. `files`: metadata and run files that were written anew."""

    before: str
    files: int


def place_of(lake: LakeFolder) -> str | None:
    """The folder that the tables' addresses name; None where there are no tables yet."""
    catalogue = lake.path / CATALOGUE_FILE
    if not catalogue.is_file():
        return None
    with closing(sqlite3.connect(f"file:{catalogue}?mode=ro", uri=True)) as database:
        try:
            row = database.execute("SELECT metadata_location FROM iceberg_tables LIMIT 1").fetchone()
        except sqlite3.OperationalError:  # no table of tables yet
            return None
    return None if row is None else urlsplit(row[0]).path.partition(_TABLES)[0]


def require_in_place(lake: LakeFolder) -> None:
    """Refuse a lake whose tables are elsewhere by their own addresses.

    Raises:
        BadInputError: it was moved or copied.
    """
    before = place_of(lake)
    if before is not None and before != str(lake.path):
        msg = (
            f"--lake {lake.path}: its tables were made in {before}; if the folder was moved here, "
            f"`claylake relocate {shlex.quote(str(lake.path))}` opens it again"
        )
        raise BadInputError(msg)


def relocate(lake: LakeFolder) -> Relocated | None:
    """Write the addresses of a lake anew, for where it is now; None where they are right.

    Args:
        lake: held by this process.

    Raises:
        BadInputError: the lake is still in its old place, too: two would share addresses.
    """
    before, now = place_of(lake), str(lake.path)
    if before is None or before == now:
        return None
    if (Path(before) / CATALOGUE_FILE).exists():
        msg = (
            f"{before} is still there: a lake is moved, not copied, since both would name the same tables' files; "
            "take one of them away, and repeat the command"
        )
        raise BadInputError(msg)
    moved = _moved(before, now)
    changed = [_json(path, moved) for path in _files(lake.path / "runs", ".json")]
    manifests: list[Path] = []
    lists: list[Path] = []
    for path in _files(lake.path / "tables", ".avro"):
        (lists if path.name.startswith("snap-") else manifests).append(path)
    changed += [_avro(path, moved) for path in manifests]
    # A list has the lengths of its manifests, which are what they are now.
    changed += [_avro(path, moved) for path in lists]
    changed += [_json(path, moved) for path in _files(lake.path / "tables", ".metadata.json")]
    with closing(sqlite3.connect(lake.path / CATALOGUE_FILE)) as database, database:
        for column in _LOCATIONS:
            for (old,) in database.execute(f"SELECT DISTINCT {column} FROM iceberg_tables").fetchall():  # noqa: S608
                if old is not None:
                    database.execute(f"UPDATE iceberg_tables SET {column} = ? WHERE {column} = ?", (moved(old), old))  # noqa: S608
    return Relocated(before=before, files=sum(changed))


def _files(folder: Path, ending: str) -> Iterator[Path]:
    return iter(sorted(path for path in folder.rglob(f"*{ending}") if path.is_file()))


def _moved(before: str, now: str) -> Callable[[str], str]:
    """The address in the new place of one in the old: a path, or a ``file:`` address with one or three slashes."""
    prefixes = [(f"{scheme}{before}", f"{scheme}{now}") for scheme in ("", "file:", "file://")]

    def moved(text: str) -> str:
        for old, new in prefixes:
            if text == old or text.startswith(f"{old}/"):
                return new + text[len(old) :]
        return text

    return moved


def _each(value: Any, moved: Callable[[str], str]) -> Any:
    """The same value with every address in it moved."""
    if isinstance(value, str):
        return moved(value)
    if isinstance(value, dict):
        return {key: _each(each, moved) for key, each in value.items()}
    if isinstance(value, list):
        return [_each(each, moved) for each in value]
    return value


def _json(path: Path, moved: Callable[[str], str]) -> bool:
    document = json.loads(path.read_bytes())
    changed = _each(document, moved)
    if changed == document:
        return False
    _replace(path, json.dumps(changed).encode())
    return True


def _avro(path: Path, moved: Callable[[str], str]) -> bool:
    """A manifest or a list of them, with its own schema, its properties and its compression."""
    import io

    import fastavro

    with path.open("rb") as source:
        reader = fastavro.reader(source)
        records, properties, codec = list(reader), dict(reader.metadata), reader.codec
    changed = [_with_lengths(_each(record, moved)) for record in records]
    if changed == records:
        return False
    schema = json.loads(properties.pop("avro.schema"))
    properties.pop("avro.codec", None)
    out = io.BytesIO()
    fastavro.writer(out, schema, changed, codec=codec, metadata=properties)
    _replace(path, out.getvalue())
    return True


def _with_lengths(record: dict[str, Any]) -> dict[str, Any]:
    """Of a list of manifests: an entry with its manifest's length; a manifest's entries have none."""
    if "manifest_length" not in record:
        return record
    return record | {"manifest_length": Path(urlsplit(record["manifest_path"]).path).stat().st_size}


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content)
    partial.replace(path)
    # HadoopFileIO keeps checksums beside its files, which are those of before.
    path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
