"""What each EMR step leaves in the run folder: counts, times and bytes, as frozen models."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal, Self

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

    `present` were published or on the branch before. `replaced` chips, most of them among `chips`, replace ones of an
    older baseline. `warnings`: scenes whose pixels speak against their metadata, one
    sentence each.
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
    replaced: int = 0
    warnings: tuple[str, ...] = ()


class VectorHealth(BaseModel):
    """Health of the vectors of a run's cells and months, whichever run made them; see `spark.embedding.health`.

    Attributes:
        vectors: how many there are.
        not_finite: of these, how many have a component that is not finite.
        norm_min: least Euclidean length; None where there are no vectors, and so below.
        norm_median: median length, to 1 %.
        norm_max: greatest length.
        duplicates: vectors that equal an earlier one in every bit.
        duplicates_other_pixels: of these, how many belong to a chip of other pixels.
        sampled: vectors that the next two are computed from.
        effective_rank: in how many dimensions the vectors spread, 1 to their length; None for fewer than 2 vectors.
        components: principal components that `unclear_r2` is fitted on.
        unclear_r2: share of the unclear fraction's variance that these explain; None where that does not vary, or
            vectors are few.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    vectors: int
    not_finite: int
    norm_min: float | None
    norm_median: float | None
    norm_max: float | None
    duplicates: int
    duplicates_other_pixels: int
    sampled: int
    effective_rank: float | None
    components: int
    unclear_r2: float | None


class EmbedReport(Report):
    """`vectors` made now; `present` existed; `failed` counts poison chips by reason.

    `precision`, `device` and `path` (``pt2``: exported program, ``eager``: module, ``+graph``: CUDA graph) are those
    that were used, several joined by commas, ``none`` where nothing was embedded.
    """

    file: ClassVar[str] = "embed.json"
    vectors: int
    present: int
    failed: dict[str, int]
    model_version: str
    convention: str
    precision: str
    device: str
    path: str = "none"
    health: VectorHealth | None = None
    message: str


class TablePublish(BaseModel):
    """One table's publishing. `how`: ``unchanged``, ``fast_forward`` or ``rebuilt``.

    `rows_shared`: rows of the run whose key another run has published meanwhile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    table: str
    how: str
    rows_added: int
    rows_shared: int = 0
    snapshot_before: int | None
    snapshot_after: int | None


class PublishReport(Report):
    """What readers of main see now. `audits` maps each check's name to the offending rows found (0).

    `embed_again`: chips that lack a vector, because another run has published them meanwhile. Above 0 the months are
    not published to their end: these chips are to be embedded, then the step is to be run again. `changes`: cells and
    months that were compared with an earlier one (`compared`), and those that were not, by reason.
    """

    file: ClassVar[str] = "publish.json"
    tables: tuple[TablePublish, ...]
    audits: dict[str, int]
    failed_frac: float
    rows_added: int
    month_chips: int
    month_vectors: int
    area_km2: float
    report: str | None
    embed_again: int = 0
    changes: dict[str, int] = {}
    message: str


class OptimizerRun(BaseModel):
    """One run of a Glue table optimizer, as Glue reports it.

    Attributes:
        state: Glue's event type in small letters: ``starting``, ``in_progress``, ``completed``, ``failed``.
        started, ended: UTC; None where Glue does not say.
        metrics: counts and hours by Glue's names, such as ``NumberOfFilesCompacted``.
        error: what Glue says went wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    state: str
    started: datetime | None = None
    ended: datetime | None = None
    metrics: dict[str, int | float | str] = {}
    error: str | None = None

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.state in {"starting", "in_progress"}

    @property
    def failed(self) -> bool:
        """Whether it has ended otherwise than well."""
        return not self.runs and (self.state != "completed" or self.error is not None)


class Optimizer(BaseModel):
    """One of Glue's optimizers of a table.

    Attributes:
        kind: ``compaction``, ``retention`` or ``orphan_file_deletion``.
        enabled: None where there is none, or Glue did not answer.
        running: the run under way.
        last: the last run that has ended; None before the first.
        problem: what needs attention, in words; None where nothing does, as before the first run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    table: str
    kind: str
    enabled: bool | None
    running: OptimizerRun | None = None
    last: OptimizerRun | None = None
    problem: str | None = None


class MaintenancePart(BaseModel):
    """A part of a table's maintenance that is not due at each run.

    Attributes:
        part: its name, such as ``removal of orphan files``.
        ran: whether this run did it.
        files: that it joined or deleted.
        due: from when on a later run does it, UTC; None where the next run sees to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    table: str
    part: str
    ran: bool
    files: int = 0
    due: datetime | None = None


class MaintainReport(Report):
    """Files and snapshots cleared by the step, per table, and Glue's optimizers where these maintain the tables.

    `by` is ``jobs`` where the step itself maintains them. With ``glue`` it only drops stale branches, and months of
    pixels: `ended_chips` left the table because they are older than `maintenance.chips_keep_months`.
    """

    file: ClassVar[str] = "maintain.json"
    rewritten_files: dict[str, int]
    rewritten_manifests: dict[str, int]
    expired_files: dict[str, int]
    orphan_files: dict[str, int]
    dropped_branches: dict[str, int]
    ended_chips: int = 0
    by: Literal["jobs", "glue"] = "jobs"
    optimizers: tuple[Optimizer, ...] = ()
    parts: tuple[MaintenancePart, ...] = ()
    message: str

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with Glue's optimizers, one sentence each; none of it fails a run."""
        return tuple(f"Glue's {one.kind} of {one.table} {one.problem}" for one in self.optimizers if one.problem)
