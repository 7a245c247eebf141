"""Run one Spark job as a step of the run's cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from claylake_airflow import emr, step_log
from claylake_airflow.failures import REASON
from claylake_airflow.operators.base import EmrTask
from claylake_airflow.triggers import StepTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from claylake.run.failure import StepFailure

_FINAL: Final = "What to do: remove the cause, then clear this task; another attempt would fail in the same way."
_AGAIN: Final = "What to do: another attempt adds only what is missing; clear this task where none is left."


@dataclass(frozen=True, kw_only=True)
class StepRef:
    """A step, by region and ids."""

    region: str
    cluster_id: str
    step_id: str


class StepOperator(EmrTask):
    """Finds or adds the step, waits for it deferred, and shows the end of its log when it fails.

    Attempts at a step are named ``<name>#<n>``. A pending or running one is adopted, so that a
    retry after a lost worker does not run the job twice. One that has ended is not: the task was
    cleared or is retried, and the jobs add only what is missing.
    Killing the task, in a worker or while deferred, cancels the step.

    Args:
        step: name of the job, one of `claylake.vocabulary.STEPS`.
        log_wait_s: how long a failure waits for EMR to push the log.
    """

    def __init__(self, *, step: str, log_wait_s: float = 330.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step
        self.log_wait_s = log_wait_s
        self._ref: StepRef | None = None

    def execute(self, context: Context) -> None:
        """Find or add the step, and defer."""
        self.run_step(context, self.step, "resume")

    def resume(self, context: Context, event: dict[str, Any]) -> str:
        """The step's id; or its failure, with EMR's words and the end of its log.

        Raises:
            AirflowException: if the step did not complete.
        """
        return self.require_completed(context, event)

    def run_step(self, context: Context, step: str, then: str, **kwargs: Any) -> NoReturn:
        """Find or add a step, and defer until it has ended.

        Args:
            context: of the running task.
            step: name of the job.
            then: method that goes on, given the trigger's event.
            kwargs: what else it is given.
        """
        from claylake.cluster import job_flow
        from claylake.run.progress import PROGRESS

        plan = self.plan(context)
        region, cluster_id = plan.deployed.region, self.cluster_id(context)
        client = emr.client(region)
        self.require_live(client, cluster_id)
        self.show_cluster(context, region, cluster_id)
        ref = StepRef(
            region=region,
            cluster_id=cluster_id,
            step_id=self._find_or_add(client, cluster_id, job_flow.step(plan, step)),
        )
        self._ref = ref
        trigger = StepTrigger(
            cluster_id=cluster_id,
            step_id=ref.step_id,
            job=step,
            progress=plan.uri(PROGRESS),
            **self.wait(region=region, minutes=plan.settings.cluster.max_hours * 60),
        )
        self.defer(trigger=trigger, method_name=then, kwargs=kwargs)

    def require_completed(self, context: Context, event: dict[str, Any], step: str | None = None) -> str:
        """The step's id.

        Args:
            context: of the running task.
            event: the trigger's.
            step: name of the job; None for the operator's own.

        Raises:
            AirflowException: if it did not complete: the cause, how far it got, the end of its log, and what to do.
                What keeps any of these from being had comes after the cause.
            AirflowFailException: likewise, where the job says that another attempt must fail in the same way.
        """
        ref = StepRef(region=event["region"], cluster_id=event["cluster_id"], step_id=event["step_id"])
        self._ref = ref
        self.show_cluster(context, ref.region, ref.cluster_id)
        if event["status"] == "done":
            return ref.step_id
        name = step or self.step
        lines = [self._cancelled(ref)] if event["status"] in ("timeout", "error") else []
        own, unread = self._own_failure(context, event, name)
        why = str(event.get("why", event["status"]))
        cause = f"step {name} ({ref.step_id} of {ref.cluster_id}): "
        cause += f"{event['state']}: {own.message}" if own else why
        if event.get("reached"):
            reached = f"it got as far as: {event['reached']}"
            context["ti"].xcom_push(key=REASON, value=f"step {name} failed; {reached}")
            cause = f"{cause}; {reached}"
        if own:
            lines += [*own.details, f"EMR's words: {why}"]
            context["ti"].xcom_push(key=REASON, value=cause)
        lines += [unread, self._tail(context, ref), _FINAL if own and own.is_final else _AGAIN]
        message = "\n".join([cause, *filter(None, lines)])
        raise (AirflowFailException if own and own.is_final else AirflowException)(message)

    def on_kill(self) -> None:
        """Cancel the step: no task waits for it any more."""
        if self._ref is None:
            return
        self._cancelled(self._ref)

    def _cancelled(self, ref: StepRef) -> str:
        """Cancel a step; gives what kept that from being done, a sentence, or nothing."""
        from botocore.exceptions import BotoCoreError, ClientError

        self.log.info("cancelling step %s of %s", ref.step_id, ref.cluster_id)
        try:
            emr.client(ref.region).cancel_steps(
                ClusterId=ref.cluster_id, StepIds=[ref.step_id], StepCancellationOption="TERMINATE_PROCESS"
            )
        except (BotoCoreError, ClientError) as error:
            self.log.warning("step %s could not be cancelled: %s", ref.step_id, error)
            return f"the step could not be cancelled, and may still run ({error})"
        return ""

    def _own_failure(self, context: Context, event: dict[str, Any], step: str) -> tuple[StepFailure | None, str]:
        """What the job itself has said of this attempt, if anything, and what kept that from being read."""
        from claylake.errors import ClaylakeError
        from claylake.run.failure import StepFailure

        if event.get("state") != "FAILED" or not event.get("started"):
            return None, ""
        try:
            return StepFailure.load(self.plan(context), step, datetime.fromisoformat(event["started"])), ""
        except (AirflowException, ClaylakeError) as error:
            return None, f"the job's own reason could not be read ({error})"

    def _find_or_add(self, client: Any, cluster_id: str, wanted: dict[str, Any]) -> str:
        attempts = emr.steps_named(client, cluster_id, wanted["Name"])
        live = [attempt for attempt in attempts if attempt.state in emr.STEP_LIVE]
        if live:
            self.log.info("adopting step %s (%s), %s", live[0].name, live[0].id, live[0].state)
            return live[0].id
        config = {**wanted, "Name": f"{wanted['Name']}#{len(attempts) + 1}"}
        answer = client.add_job_flow_steps(JobFlowId=cluster_id, Steps=[config])
        step_id = str(answer["StepIds"][0])
        self.log.info("added step %s (%s)", config["Name"], step_id)
        return step_id

    def _tail(self, context: Context, ref: StepRef) -> str:
        """The end of the step's log, or what keeps it from being shown; never an error."""
        from botocore.exceptions import BotoCoreError, ClientError

        from claylake.errors import ClaylakeError

        lines = []
        try:
            log_uri = emr.describe(emr.client(ref.region), ref.cluster_id).log_uri
        except (BotoCoreError, ClientError) as error:
            lines.append(f"EMR does not say where the log is ({error}); it should be where the plan has it")
            try:
                log_uri = self.plan(context).deployed.log_uri
            except (AirflowException, ClaylakeError) as missing:
                return "\n".join([*lines, f"and the plan could not be read ({missing})"])
        s3 = emr.s3_client(ref.region)
        tail = step_log.tail(s3, log_uri, ref.cluster_id, ref.step_id, wait_s=self.log_wait_s)
        return "\n".join([*lines, tail])
