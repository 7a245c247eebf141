"""The item of each scene: from the manifests in run folders, else from the STAC catalogue."""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from infra.verify.errors import UnreadableError
from infra.verify.scene_files import Source

if TYPE_CHECKING:
    from infra.verify.lake import Lake

_ANSWER_S = 60.0
Key = tuple[str, str]
"""Run id of a chip, and its scene's id."""


class Sources:
    """Items of scenes.

    Args:
        lake: That has the run folders.
        wanted: The scenes, each with the run that read it: a scene may be processed again between runs.
    """

    def __init__(self, lake: Lake, wanted: Iterable[Key]) -> None:
        self._lake = lake
        self._of_run: dict[Key, Source] = {}
        self._any: dict[str, Source] = {}
        runs = {(_folder(run), scene) for run, scene in wanted}
        scenes, left = {scene for _, scene in runs}, {run for run, _ in runs}
        uris = list(lake.manifests())[::-1]
        own = [uri for uri in uris if uri.split("/")[-2] in left]
        for uri in (*own, *(uri for uri in uris if uri not in set(own))):
            if uri not in own and scenes <= set(self._any):
                break
            for line in gzip.decompress(lake.read(uri)).splitlines():
                scene = json.loads(line)
                if scene["id"] in scenes:
                    source = _of_manifest(scene)
                    self._of_run.setdefault((uri.split("/")[-2], source.id), source)
                    self._any.setdefault(source.id, source)

    def find(self, run_id: str, scene_id: str, collection: str) -> Source:
        """The item that a run read.

        Args:
            run_id: Of the chip's row.
            scene_id: Of the chip's row.
            collection: Of the chip's row.

        Raises:
            UnreadableError: Neither a manifest nor the catalogue has it.
        """
        source = self._of_run.get((_folder(run_id), scene_id)) or self._any.get(scene_id)
        if source is None:
            source = self._any[scene_id] = self._of_catalogue(scene_id, collection)
        return source

    def _of_catalogue(self, scene_id: str, collection: str) -> Source:
        if self._lake.stac is None:
            raise UnreadableError(f"no manifest below {self._lake.runs} has the item {scene_id}")
        url = f"{self._lake.stac.rstrip('/')}/collections/{quote(collection)}/items/{quote(scene_id)}"
        if not url.startswith(("http://", "https://")):
            raise UnreadableError(f"the catalogue's address {self._lake.stac!r} is neither http: nor https:")
        try:
            with urllib.request.urlopen(url, timeout=_ANSWER_S) as answer:  # noqa: S310 - checked above
                item = json.load(answer)
            return _of_item(item, url)
        except (urllib.error.URLError, HTTPException, TimeoutError, ValueError, KeyError, TypeError) as error:
            raise UnreadableError(f"no manifest has the item {scene_id}, and {url} gives none: {error!r}") from error


def _of_manifest(scene: Mapping[str, Any]) -> Source:
    return Source(
        id=scene["id"],
        collection=scene["collection"],
        baseline=scene["baseline"],
        flag=scene["boa_offset_applied"],
        datetime=scene["datetime"],
        hrefs={key: asset["href"] for key, asset in scene["assets"].items()},
    )


def _of_item(item: Mapping[str, Any], url: str) -> Source:
    properties = item["properties"]
    return Source(
        id=item["id"],
        collection=item["collection"],
        baseline=properties.get("s2:processing_baseline"),
        flag=properties.get("earthsearch:boa_offset_applied"),
        datetime=properties["datetime"],
        hrefs={key: urljoin(url, asset["href"]) for key, asset in item["assets"].items()},
    )


def _folder(run_id: str) -> str:
    """The name of a run's folder: its id, with characters that URLs trip over as ``_``."""
    return "".join(char if char.isalnum() or char in "-._" else "_" for char in run_id)
