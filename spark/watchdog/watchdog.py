"""The threads that watch a step's session, and end the driver.

One looks, which may take for ever where the JVM hangs; the other judges, and needs nothing but a clock.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Self

from claylake.errors import StoreError
from claylake.run.failure import StepFailure
from spark.watchdog.judge import Judge, Limits, Signs
from spark.watchdog.resource_manager import ResourceManager
from spark.watchdog.signs import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from pyspark.sql import SparkSession

    from claylake.plan import Plan
    from spark.watchdog.judge import Verdict

_log = logging.getLogger(__name__)
EXIT_CODE: Final = 86
"""Of a driver that the watchdog has ended."""
_EVERY_S: Final = 20.0
_LOOKS: Final = 20
"""At least so many looks within a limit."""
_LEAVING_S: Final = 10.0
_SAVING_S: Final = 60.0
"""For the failure to reach the run folder."""


@dataclass
class Watchdog:
    """A context manager around a step's work.

    Attributes:
        plan: of the run: its run folder gets the failure.
        step: a name of `claylake.vocabulary.STEPS`.
        limits: of the step.
        manager: whose numbers the failure shows.
        look: gives the signs.
        clock: monotonic, seconds.
        end: ends the process with an exit code; does not return.
    """

    plan: Plan
    step: str
    limits: Limits
    manager: ResourceManager
    look: Callable[[], Signs]
    clock: Callable[[], float] = time.monotonic
    end: Callable[[int], object] = os._exit
    _seen: Signs | None = None
    _over: Event = field(default_factory=Event)
    _looking: Thread | None = None

    @classmethod
    def of(cls, spark: SparkSession, plan: Plan, step: str) -> Self:
        """The watchdog of a step's session.

        Args:
            spark: the session.
            plan: of the run; its settings have the limits.
            step: a name of `claylake.vocabulary.STEPS`.
        """
        cluster, context = plan.settings.cluster, spark.sparkContext
        return cls(
            plan=plan,
            step=step,
            limits=Limits(executor_s=60 * cluster.executor_minutes, stalled_s=60 * cluster.stalled_minutes[step]),
            manager=ResourceManager.of(context),
            look=lambda: read(context, plan),
        )

    def __enter__(self) -> Self:
        self._looking = Thread(target=self._look, name="watchdog: looking", daemon=True)
        self._looking.start()
        Thread(target=self._judge, name="watchdog", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        # The session ends next, and an observation under way would find it gone; one that hangs is left behind.
        if self._looking is not None:
            self._looking.join(_LEAVING_S)

    def bark(self, verdict: Verdict) -> None:
        """Say why in the log and in the run folder, and end the driver: its main thread may wait for ever.

        Args:
            verdict: why.
        """
        details = tuple(self.manager.lines())
        message = f"step {self.step} was ended: {verdict.message}"
        _log.error("%s", "\n".join((message, *details)))
        failure = StepFailure(
            step=self.step, message=message, details=details, is_final=verdict.is_final, written=datetime.now(UTC)
        )
        saving = Thread(target=self._save, args=(failure,), daemon=True)
        saving.start()
        saving.join(_SAVING_S)
        logging.shutdown()
        self.end(EXIT_CODE)

    def _save(self, failure: StepFailure) -> None:
        try:
            failure.save(self.plan)
        except StoreError as error:
            _log.warning("watchdog: %s", error)

    @property
    def _every_s(self) -> float:
        return min(_EVERY_S, self.limits.executor_s / _LOOKS, self.limits.stalled_s / _LOOKS)

    def _look(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self._seen = self.look()
            # A Spark that answers otherwise than expected is alive, and a good step must not be ended for what its
            # watchdog cannot read. One that hangs does not answer at all.
            except Exception as error:  # noqa: BLE001 - whatever Py4J makes of a Spark of another build
                _log.warning("watchdog: Spark's counts cannot be read (%s)", error)
                self._seen = Signs(executors=1, headway=(self.clock(),))

    def _judge(self) -> None:
        judge = Judge(self.limits, self.clock())
        while not self._over.wait(self._every_s):
            verdict = judge.verdict(self._seen, self.clock())
            if verdict is not None and not self._over.is_set():
                self.bark(verdict)
                return
