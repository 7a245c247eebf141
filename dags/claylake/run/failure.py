"""Why a step failed, in the job's own words: a small object that the job leaves in the run folder.

EMR knows only that an application has failed. Whether another attempt can help is known to the job alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from claylake import store
from claylake.errors import ClaylakeError

if TYPE_CHECKING:
    from claylake.plan import Plan

FAILURE: Final = "failure.json"


class StepFailure(BaseModel):
    """The last failure of a run's steps.

    Attributes:
        step: a name of `claylake.vocabulary.STEPS`.
        message: why, one sentence.
        details: further lines for people.
        is_final: another attempt at the same work must fail in the same way.
        written: when, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    step: str
    message: str
    details: tuple[str, ...] = ()
    is_final: bool
    written: AwareDatetime

    @classmethod
    def of(cls, step: str, error: BaseException) -> Self:
        """What an error that ended a step says, without its traceback."""
        text = " ".join(str(error).splitlines()[:1])
        is_final = isinstance(error, ClaylakeError) and error.is_final
        name = type(error).__name__
        return cls(step=step, message=f"{name}: {text}", is_final=is_final, written=datetime.now(UTC))

    def save(self, plan: Plan) -> None:
        """Write it to the plan's run folder, in place of the one before.

        Raises:
            StoreError: it cannot be written.
        """
        store.write(plan.uri(FAILURE), self.model_dump_json().encode(), "application/json")

    @classmethod
    def load(cls, plan: Plan, step: str, since: datetime) -> Self | None:
        """That of an attempt; None where the attempt left none, or another version of claylake wrote it.

        Args:
            plan: of the run.
            step: name of the step.
            since: when the attempt began, aware.

        Raises:
            StoreError: it cannot be read.
        """
        uri = plan.uri(FAILURE)
        if not store.exists(uri):
            return None
        try:
            found = cls.model_validate_json(store.read(uri))
        except ValidationError:
            return None
        return found if found.step == step and found.written >= since else None
