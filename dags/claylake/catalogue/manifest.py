"""The manifest: a run's scenes, one JSON document a line, gzipped."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from claylake import store
from claylake.catalogue.scene import Scene
from claylake.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claylake.catalogue.packed import PackedScene


def write_manifest(uri: str, scenes: Iterable[PackedScene]) -> str:
    """Write `scenes` in the order given, one at a time; equal scenes give equal bytes. Gives the URI back."""
    with (
        store.writing(uri, "application/x-ndjson") as sink,
        gzip.GzipFile(filename="", mode="wb", fileobj=sink, mtime=0) as lines,
    ):
        for scene in scenes:
            lines.write(scene.line + b"\n")
    return uri


def read_manifest(uri: str) -> list[Scene]:
    """The scenes, in the order written.

    Raises:
        StoreError: if the object is not there, or is not a manifest.
    """
    data = store.read(uri)
    try:
        return [Scene.model_validate_json(line) for line in gzip.decompress(data).splitlines()]
    except (OSError, EOFError, ValueError, zlib.error) as error:
        msg = f"{uri} is not a scene manifest: {error}"
        raise StoreError(msg) from error
