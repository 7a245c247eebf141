"""What could not be read: the reason to fall back to another scene of the pass."""

from __future__ import annotations

from dataclasses import dataclass, field

from spark.sentinel2.radiometry import CONTRADICTION


@dataclass(kw_only=True)
class ReadFailures:
    """Collected over the batches of a run.

    `cells`: (cell id, scene id, id of a second half or None) to (reason code, message). `quarantined`: scene id to
    message; such a scene supplies no cell at all. `corrected`: scene id to message; its pixels decided its radiometry,
    and what was read by another is read again. `taken_back`: number of chips of both that the branch had.
    """

    cells: dict[tuple[str, str, str | None], tuple[str, str | None]] = field(default_factory=dict)
    quarantined: dict[str, str] = field(default_factory=dict)
    corrected: dict[str, str] = field(default_factory=dict)
    quarantine_reason: str = CONTRADICTION
    taken_back: int = 0

    def __len__(self) -> int:
        return len(self.cells) + len(self.quarantined) + len(self.corrected)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each scene whose pixels or metadata do not fit."""
        return (
            *(f"scene {scene_id}: {detail}" for scene_id, detail in sorted(self.corrected.items())),
            *(f"scene {scene_id} is quarantined: {detail}" for scene_id, detail in sorted(self.quarantined.items())),
        )

    def rows(self) -> list[tuple[str, str, str | None, str, str | None]]:
        """`cells` as rows: cell id, scene id, id of a second half, reason, message."""
        return [(*key, *value) for key, value in self.cells.items()]
