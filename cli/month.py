"""The run of one month on this machine: the same plan, steps, reports and receipt as on AWS."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from claylake.plan import RunRef
from claylake.run.gate import decide_start
from claylake.run.planning import make_plan
from claylake.run.receipt import make_receipt
from claylake.vocabulary import EMBED, EXTRACT, PUBLISH
from cli.earlier import last_run
from cli.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from claylake.configuration.settings import Settings
    from claylake.plan import Plan
    from claylake.request.params import Request
    from claylake.run.receipt import Outcome, Receipt
    from claylake.run.reports import EmbedReport, ExtractReport, MaintainReport, PublishReport
    from cli.console import Console
    from cli.engine import Engine

    _Done = ExtractReport | EmbedReport | PublishReport | MaintainReport

MOST_ROUNDS: Final = 3
"""Of embedding what others have published meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Makes months with one session, and says how they go."""

    engine: Engine
    console: Console

    def month(self, request: Request, settings: Settings, steps: Sequence[str]) -> Receipt:
        """Plan a month and do steps of it.

        Args:
            request: area and month.
            settings: of the run.
            steps: names of `STEPS`, in order. Without ``extract`` the last run of the same work goes on.

        Raises:
            ClaylakeError: of the kind that fits; what was done is used by the next attempt.
        """
        if steps and steps[0] != EXTRACT:
            return self.go_on(last_run(request, settings), steps)
        plan = self._plan(request, settings)
        return self.go_on(plan, steps, go=decide_start(plan).go)

    def go_on(self, plan: Plan, steps: Sequence[str], *, go: bool = True) -> Receipt:
        """Do steps of a plan, and write the run's receipt, however they end.

        Args:
            plan: of the run.
            steps: names of `STEPS`, in order.
            go: whether there is anything to do.

        Raises:
            ClaylakeError: of the kind that fits; what was done is used by the next attempt.
        """
        ended: Outcome | None = "failed" if go else None
        try:
            if go:
                with self.console.stage("start") as stage:
                    self.engine.session()
                    stage.done(f"Spark with {self.engine.machine.slots} tasks at once")
                for step in steps:
                    self._step(step, plan)
                ended = "not published"
        finally:
            receipt = make_receipt(plan, cluster=None, steps=[], now=datetime.now(UTC), otherwise=ended)
        return receipt

    def _plan(self, request: Request, settings: Settings) -> Plan:
        with self.console.stage("plan") as stage:
            run = RunRef(dag_id=request.aoi.name, run_id=_run_id())
            made = make_plan(run=run, request=request, settings=settings)
            stage.done(decide_start(made).why)
        return made

    def _step(self, name: str, plan: Plan) -> None:
        report = self._done(name, plan)
        rounds = 0
        while getattr(report, "embed_again", 0):
            rounds += 1
            if rounds > MOST_ROUNDS:
                msg = f"chips were embedded again {MOST_ROUNDS} times, and still: {report.message}"
                raise StepError(msg)
            self._done(EMBED, plan)
            report = self._done(PUBLISH, plan)

    def _done(self, name: str, plan: Plan) -> _Done:
        with self.console.stage(name, plan) as stage:
            report = _work(name)(self.engine.session(), plan)
            stage.done(report.message)
        return report


def _work(name: str) -> Callable[..., _Done]:
    """What a step does, as on EMR; imported when it is used, since Spark and torch are slow to load."""
    if name == EXTRACT:
        from spark.extraction.run import extract

        return extract
    if name == EMBED:
        from spark.embedding.run import embed

        return embed
    if name == PUBLISH:
        from spark.publishing.run import publish_run

        return publish_run
    from spark.publishing.maintain import maintain

    return maintain


def _run_id() -> str:
    """Two runs that begin in one second have folders of their own."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
