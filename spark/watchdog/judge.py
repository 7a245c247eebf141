"""Whether a step still works, from what was seen of it and a clock, without Spark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What is seen of a step at a moment.

    Attributes:
        executors: how many there are now.
        headway: counts that change with every finished task and every byte that is moved.
    """

    executors: int
    headway: tuple[object, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a step may be without executors, and without headway (seconds)."""

    executor_s: float
    stalled_s: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Why a step is to be ended; `is_final`: another attempt on the same cluster must end in the same way."""

    message: str
    is_final: bool


class Judge:
    """Compares what is seen with what was seen before. All times are of one monotonic clock, in seconds.

    Args:
        limits: of the step.
        now: when the step's session began.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._with_executor = now
        self._had_executor = False
        self._moved = now
        self._headway: tuple[object, ...] | None = None

    def verdict(self, seen: Signs | None, now: float) -> Verdict | None:
        """Whether the step is to be ended.

        Args:
            seen: None as long as Spark has not answered.
            now: when.
        """
        if seen is not None and seen.executors:
            self._with_executor, self._had_executor = now, True
        if seen is not None and seen.headway != self._headway:
            self._headway, self._moved = seen.headway, now
        return self._without_executor(now) or self._stalled(now)

    def _without_executor(self, now: float) -> Verdict | None:
        waited = now - self._with_executor
        if waited < self._limits.executor_s:
            return None
        if self._had_executor:
            return Verdict(message=f"no executor is left, and none has come for {_time(waited)}", is_final=False)
        return Verdict(message=f"no executor has come within {_time(waited)}", is_final=True)

    def _stalled(self, now: float) -> Verdict | None:
        waited = now - self._moved
        if waited < self._limits.stalled_s:
            return None
        return Verdict(message=f"no task has finished and no byte was moved for {_time(waited)}", is_final=False)


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"
