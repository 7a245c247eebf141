"""What reading each scene found and took, kept in the run folder: a run that is killed and run again still has it.

So has the next run on the same branch: what pixels say of a scene adds up over all runs whose chips are there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from claylake import store
from spark.sentinel2.radiometry import Evidence, decide_radiometry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claylake.catalogue.scene import Scene
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
    """Readings of scenes, by which of their cells were read; one object per batch in the run folder.

    Args:
        plan: of the run.
        scenes: of the run: what was read of a scene says nothing of it once it is reprocessed, or judged by another
            rule.
        earlier: other run folders that worked on the branch.
    """

    def __init__(self, plan: Plan, scenes: Iterable[Scene], earlier: Iterable[str] = ()) -> None:
        self._folder = plan.uri(FOLDER)
        self._processings = {scene.id: _processing(scene) for scene in scenes}
        self._earlier: dict[str, dict[str, Evidence]] = {}
        self._readings: dict[str, dict[str, Reading]] = {}
        for folder in earlier:
            for scene_id, cells, reading in self._stored(store.join(folder, FOLDER)):
                self._earlier.setdefault(scene_id, {})[cells] = reading.evidence
        for scene_id, cells, reading in self._stored(self._folder):
            self._readings.setdefault(scene_id, {})[cells] = reading

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
            document[scene_id] = (key, asdict(reading), self._processings[scene_id])
        name = _digest([f"{scene_id} {key}" for scene_id, (key, _, _) in document.items()])
        uri = store.join(self._folder, f"batch-{name}.json")
        store.write(uri, json.dumps(document, indent=1).encode(), "application/json")

    def total(self, scene_id: str) -> Reading:
        """All readings of a scene by this run."""
        return sum(self._readings.get(scene_id, {}).values(), Reading())

    def knows(self, scene_id: str) -> bool:
        """Whether pixels of a scene were read, by this run or an earlier one."""
        return scene_id in self._readings or scene_id in self._earlier

    def evidence(self, scene_id: str) -> Evidence:
        """What the pixels of a scene say that this run and the earlier ones read; the same cells count once."""
        own = {cells: reading.evidence for cells, reading in self._readings.get(scene_id, {}).items()}
        return sum((self._earlier.get(scene_id, {}) | own).values(), Evidence())

    def _stored(self, folder: str) -> Iterator[tuple[str, str, Reading]]:
        """Scene id, digest of the cells, and reading; those of another processing keep only what they took."""
        for uri in store.names(folder):
            for scene_id, (cells, reading, *processing) in json.loads(store.read(uri)).items():
                # Version 0.1.0 kept no processing.
                known = not processing or processing == [self._processings.get(scene_id)]
                none = {} if known else asdict(Evidence())
                yield scene_id, cells, Reading(**(reading | none))


def _processing(scene: Scene) -> list[str | None]:
    """What a verdict on a scene holds for: `updated` and the rule, as JSON has them."""
    return [scene.updated, decide_radiometry(scene).rule]


def _digest(names: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]
