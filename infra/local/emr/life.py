"""The thread that takes a cluster through its states and runs its steps."""

from __future__ import annotations

import logging
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from moto.core.utils import utcnow

from infra.local.emr.ending import BOOTSTRAP_FAILED, BY_USER, STEP_FAILED, STEPS_DONE, Ending

if TYPE_CHECKING:
    from infra.local.emr.cluster import LocalCluster
    from infra.local.emr.ending import ClusterPace
    from infra.local.emr.hooks import Faults, StepRunner
    from infra.local.emr.step import LocalStep

_log = logging.getLogger(__name__)


class ClusterLife:
    """STARTING, BOOTSTRAPPING, RUNNING while a step runs and WAITING while none does, then the end.

    Steps run one after another, as with a step concurrency of 1.

    Args:
        cluster: Whose life it is.
        runner: Runs the steps.
        faults: Faults to inject.
        pace: How fast states pass.
    """

    def __init__(self, cluster: LocalCluster, *, runner: StepRunner, faults: Faults, pace: ClusterPace) -> None:
        self._cluster = cluster
        self._runner = runner
        self._faults = faults
        self._pace = pace
        self._holds_after_failure = False
        self._thread = Thread(target=self._live, name=cluster.id, daemon=True)

    def start(self) -> None:
        """Begin, once everything about the cluster is known."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _live(self) -> None:
        cluster = self._cluster
        for state in ("STARTING", "BOOTSTRAPPING"):
            self._enter(state)
            self._pause()
        # One that ends already would take a fault that was meant for the next.
        if cluster.ending is None and self._faults.take("fail_bootstrap", cluster.name):
            cluster.terminate(BOOTSTRAP_FAILED)
        else:
            cluster.ready_datetime = utcnow()
            self._enter("RUNNING")
        while step := self._next_step():
            failure = self._runner.run(step, cluster_id=cluster.id, log_uri=cluster.log_uri)
            self._finish(step, failure)
        self._end(cluster.ending or BY_USER)

    def _next_step(self) -> LocalStep | None:
        """Wait for something to do; None when the cluster ends."""
        cluster = self._cluster
        with cluster.changed:
            while cluster.ending is None:
                step: LocalStep | None = next((s for s in cluster.steps if s.state == "PENDING"), None)
                if step:
                    cluster.state = "RUNNING"
                    step.enter("RUNNING")
                    return step
                if cluster.state != "WAITING":
                    cluster.state = "WAITING"
                    cluster.idle_since = monotonic()
                if not cluster.keep_job_flow_alive_when_no_steps and not self._holds_after_failure:
                    cluster.terminate(STEPS_DONE)
                else:
                    self._idle()
        return None

    def _idle(self) -> None:
        """Wait for a change, or end the cluster when it has been idle for too long."""
        cluster, limit_s = self._cluster, self._cluster.idle_limit_s
        left_s = None
        if limit_s is not None:
            left_s = limit_s / self._pace.idle_speed - (monotonic() - cluster.idle_since)
            if left_s <= 0:
                message = f"Terminated by auto-termination policy after {limit_s:.0f} idle seconds"
                cluster.terminate(Ending(code="USER_REQUEST", message=message))
                return
        cluster.changed.wait(left_s)

    def _finish(self, step: LocalStep, failure: dict[str, str] | None) -> None:
        cluster = self._cluster
        with cluster.changed:
            self._holds_after_failure = False
            if step.was_stopped:
                step.enter("CANCELLED")
                return
            step.enter("FAILED" if failure else "COMPLETED", failure)
            if not failure or step.action_on_failure == "CONTINUE":
                return
            cluster.cancel_pending()
            self._holds_after_failure = True
            if step.action_on_failure != "CANCEL_AND_WAIT" and not cluster.termination_protected:
                cluster.terminate(STEP_FAILED)

    def _end(self, ending: Ending) -> None:
        cluster = self._cluster
        self._pause(even_if_ending=True)
        with cluster.changed:
            for fleet in cluster.fleets:
                fleet.end()
            cluster.end_datetime = utcnow()
            cluster.state = ending.state
        _log.info("cluster %s %s: %s", cluster.id, ending.state, ending.message)

    def _enter(self, state: str) -> None:
        with self._cluster.changed:
            if not self._cluster.ending:
                self._cluster.state = state

    def _pause(self, *, even_if_ending: bool = False) -> None:
        cluster = self._cluster
        with cluster.changed:
            cluster.changed.wait_for(
                lambda: cluster.ending is not None and not even_if_ending, self._pace.state_delay_s
            )
