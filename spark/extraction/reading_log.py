"""What reading each scene found and took, kept in the run folder: a run that is killed and run again still has it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from claylake import store
from spark.sentinel2.radiometry import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claylake.plan import Plan

FOLDER = "extract"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One scene in one batch: evidence, network traffic (requests, bytes) and seconds of a core."""

    clear_pixels: int = 0
    below_1000: int = 0
    requests: int = 0
    downloaded: int = 0
    seconds: float = 0.0

    def __add__(self, other: Reading) -> Reading:
        return Reading(
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


class ReadingLog:
    """Readings of scenes, by which of their cells were read; one object per batch in the run folder."""

    def __init__(self, plan: Plan) -> None:
        self._folder = plan.uri(FOLDER)
        self._readings: dict[str, dict[str, Reading]] = {}
        for uri in store.names(self._folder):
            document: dict[str, tuple[str, dict[str, int]]] = json.loads(store.read(uri))
            for scene_id, (cells, reading) in document.items():
                self._readings.setdefault(scene_id, {})[cells] = Reading(**reading)

    def add(self, cells: Mapping[str, list[str]], readings: Mapping[str, Reading]) -> None:
        """Keep a batch's readings. The same cells of a scene, read again, replace their earlier reading.

        Args:
            cells: scene id to the cells that were read of it.
            readings: by scene id.
        """
        document = {}
        for scene_id, reading in sorted(readings.items()):
            key = _digest(cells[scene_id])
            self._readings.setdefault(scene_id, {})[key] = reading
            document[scene_id] = (key, asdict(reading))
        name = _digest([f"{scene_id} {key}" for scene_id, (key, _) in document.items()])
        uri = store.join(self._folder, f"batch-{name}.json")
        store.write(uri, json.dumps(document, indent=1).encode(), "application/json")

    def total(self, scene_id: str) -> Reading:
        """All readings of a scene."""
        return sum(self._readings.get(scene_id, {}).values(), Reading())


def _digest(names: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]
