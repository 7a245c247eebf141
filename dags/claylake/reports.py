"""What each EMR step leaves in the run folder: counts, times and bytes, as frozen models."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from claylake import store

if TYPE_CHECKING:
    from claylake.plan import Plan


class Report(BaseModel):
    """Base: `seconds` is the step's wall time inside Spark."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: ClassVar[str]
    seconds: float

    def save(self, plan: Plan) -> str:
        """Write it to the plan's run folder; gives the URI."""
        return store.write(plan.uri(self.file), self.model_dump_json(indent=1).encode(), "application/json")

    @classmethod
    def load(cls, plan: Plan) -> Self | None:
        """The report of the plan's run, or None where the step left none."""
        uri = plan.uri(cls.file)
        return cls.model_validate_json(store.read(uri)) if store.exists(uri) else None


class ExtractReport(Report):
    """`candidates` = planned (cell, pass) pairs = `chips` + `present` + rejected + failed.

    `present` were published or on the branch before; `outcomes` counts every reason.
    """

    file: ClassVar[str] = "extract.json"
    scenes: int
    passes: int
    candidates: int
    chips: int
    present: int
    rejected: dict[str, int]
    failed: dict[str, int]
    scene_status: dict[str, int]
    bytes_read: int
    message: str


class EmbedReport(Report):
    """`vectors` made now; `present` existed; `failed` counts poison chips by reason."""

    file: ClassVar[str] = "embed.json"
    vectors: int
    present: int
    failed: dict[str, int]
    model_version: str
    convention: str
    precision: str
    device: str
    message: str


class TablePublish(BaseModel):
    """One table's publishing. `how`: ``unchanged``, ``fast_forward`` or ``rebuilt``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    table: str
    how: str
    rows_added: int
    snapshot_before: int | None
    snapshot_after: int | None


class PublishReport(Report):
    """What readers of main see now. `audits` maps each check's name to the offending rows found (0)."""

    file: ClassVar[str] = "publish.json"
    tables: tuple[TablePublish, ...]
    audits: dict[str, int]
    failed_frac: float
    rows_added: int
    month_chips: int
    month_vectors: int
    area_km2: float
    report: str | None
    message: str


class MaintainReport(Report):
    """Files and snapshots cleared, per table."""

    file: ClassVar[str] = "maintain.json"
    rewritten_files: dict[str, int]
    rewritten_manifests: dict[str, int]
    expired_files: dict[str, int]
    orphan_files: dict[str, int]
    dropped_branches: dict[str, int]
    message: str
