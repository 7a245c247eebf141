"""What reading told of each scene, kept beside the plan: a run that is killed and run again knows it still."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from claylake import store
from spark.radiometry import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claylake.plan import Plan

FOLDER = "extract"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One scene in one batch: evidence, network traffic (requests, bytes) and seconds of a core."""

    clear_pixels: int = 0
    below_1000: int = 0
    requests: int = 0
    downloaded: int = 0
    seconds: float = 0.0

    def __add__(self, other: Entry) -> Entry:
        return Entry(
            clear_pixels=self.clear_pixels + other.clear_pixels,
            below_1000=self.below_1000 + other.below_1000,
            requests=self.requests + other.requests,
            downloaded=self.downloaded + other.downloaded,
            seconds=self.seconds + other.seconds,
        )

    @property
    def evidence(self) -> Evidence:
        """The pixels' part."""
        return Evidence(clear_pixels=self.clear_pixels, below_1000=self.below_1000)


class Ledger:
    """Entries of scenes, by which of their cells were read; one object per batch in the run folder."""

    def __init__(self, plan: Plan) -> None:
        self._folder = plan.uri(FOLDER)
        self._entries: dict[str, dict[str, Entry]] = {}
        for uri in store.names(self._folder):
            for scene_id, (cells, entry) in json.loads(store.read(uri)).items():
                self._entries.setdefault(scene_id, {})[cells] = Entry(**entry)

    def add(self, cells: Mapping[str, list[str]], entries: Mapping[str, Entry]) -> None:
        """Keep a batch's entries. The same cells of a scene, read again, replace what they told before.

        Args:
            cells: scene id to the cells that were read of it.
            entries: scene id to what they told.
        """
        document = {}
        for scene_id, entry in sorted(entries.items()):
            key = _digest(cells[scene_id])
            self._entries.setdefault(scene_id, {})[key] = entry
            document[scene_id] = (key, asdict(entry))
        name = _digest([f"{scene_id} {key}" for scene_id, (key, _) in document.items()])
        uri = store.join(self._folder, f"batch-{name}.json")
        store.write(uri, json.dumps(document, indent=1).encode(), "application/json")

    def of(self, scene_id: str) -> Entry:
        """Everything known of a scene."""
        return sum(self._entries.get(scene_id, {}).values(), Entry())


def _digest(names: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]
