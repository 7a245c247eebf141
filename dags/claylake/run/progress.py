"""How far a step is: a small object in the run folder, replaced every few seconds while the step runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from claylake import store

if TYPE_CHECKING:
    from claylake.plan import Plan

PROGRESS: Final = "progress.json"
COUNTS: Final = "progress"
"""Folder of the run folder in which tasks keep their counts."""


class Progress(BaseModel):
    """What a step is doing.

    Attributes:
        step: a name of `claylake.vocabulary.STEPS`.
        stage: what it does now, e.g. ``read chips``.
        unit: what is counted, plural, e.g. ``chips``; empty where nothing is.
        done: how many are done.
        total: how many there are; None where that is not known.
        downloaded: bytes that the stage has fetched.
        per_second: units done a second, over the last minute; None before there are any.
        began: when the stage began, UTC.
        written: when this was written, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    step: str
    stage: str
    unit: str = ""
    done: int = 0
    total: int | None = None
    downloaded: int = 0
    per_second: float | None = None
    began: AwareDatetime
    written: AwareDatetime

    @property
    def seconds_left(self) -> float | None:
        """Until the stage ends at this rate; None where that is not known."""
        if self.total is None or not self.per_second:
            return None
        return max(0, self.total - self.done) / self.per_second

    @property
    def text(self) -> str:
        """One line for people, e.g. ``read chips: 120 of 171 chips, 4.1/s, 36.5 MB, 12 s left``."""
        parts = [counted] if (counted := self.counted) else []
        if self.per_second:
            parts.append(f"{self.per_second:,.1f}/s")
        if self.downloaded:
            parts.append(f"{self.downloaded / 1e6:,.1f} MB")
        if self.seconds_left:
            parts.append(f"{self.seconds_left:,.0f} s left")
        return self.stage + (": " + ", ".join(parts) if parts else "")

    @property
    def counted(self) -> str:
        """E.g. ``120 of 171 chips``; empty where nothing is counted."""
        if not self.unit:
            return ""
        return f"{self.done:,} {self.unit}" if self.total is None else f"{self.done:,} of {self.total:,} {self.unit}"

    def save(self, plan: Plan) -> None:
        """Write it to the plan's run folder, in place of the one before.

        Raises:
            StoreError: it cannot be written.
        """
        store.write(plan.uri(PROGRESS), self.model_dump_json().encode(), "application/json")

    @classmethod
    def load(cls, plan: Plan) -> Self | None:
        """The last one of the plan's run; None where there is none, or another version of claylake wrote it.

        Raises:
            StoreError: it cannot be read.
        """
        uri = plan.uri(PROGRESS)
        if not store.exists(uri):
            return None
        try:
            return cls.model_validate_json(store.read(uri))
        except ValidationError:
            return None
