"""An EMR cluster whose steps run on this machine."""

from __future__ import annotations

import signal
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING, Any

from moto.emr.exceptions import ValidationException
from moto.emr.models import Cluster, ElasticMapReduceBackend

from infra.local.emr.ending import BY_USER, Ending
from infra.local.emr.step import LocalStep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.local.emr.fleet import Fleet

_MAX_ACTIVE_STEPS = 256
_MAX_STEP_TEXT = 10_240


class LocalCluster(Cluster):  # type: ignore[misc]  # moto comes without types
    """moto's cluster with steps that can be cancelled, fleets and an end; a `ClusterLife` takes it through its states.

    Code that reads or changes its state together with its steps holds `changed`.

    Args:
        backend: moto's EMR state.
        request: What moto's cluster takes.
    """

    def __init__(self, backend: ElasticMapReduceBackend, **request: Any) -> None:
        self.changed = Condition()
        self.fleets: list[Fleet] = []
        self.managed_scaling: Mapping[str, Any] | None = None
        self.ending: Ending | None = None
        self.idle_limit_s: float | None = None
        self.idle_since = monotonic()
        super().__init__(backend, **request)

    # What moto calls while it builds the cluster.
    def start_cluster(self) -> None:
        """Enter STARTING; the cluster's life does the rest."""
        self.state = "STARTING"

    def run_bootstrap_actions(self) -> None:
        """Nothing: bootstrapping is a part of the cluster's life."""

    def add_steps(self, steps: Sequence[Mapping[str, Any]]) -> list[LocalStep]:
        """Queue steps.

        Raises:
            ValidationException: The cluster is ending, or the steps break EMR's limits.
        """
        added = [LocalStep(step) for step in steps]
        with self.changed:
            if self.ending:
                raise ValidationException(
                    "A job flow that is shutting down, terminated, or finished may not be modified."
                )
            if sum(not step.is_done for step in (*self.steps, *added)) > _MAX_ACTIVE_STEPS:
                raise ValidationException(
                    "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') "
                    "for cluster exceeded."
                )
            for step in added:
                if step.text_size > _MAX_STEP_TEXT:
                    raise ValidationException(
                        f"Step {step.name} has {step.text_size} characters, over {_MAX_STEP_TEXT}."
                    )
            self.steps.extend(added)
            self.changed.notify_all()
        return added

    @property
    def status(self) -> dict[str, Any]:
        """`ClusterStatus` of the EMR API."""
        reason = {"Code": self.ending.code, "Message": self.ending.message} if self.ending else {}
        return {**super().status, "StateChangeReason": reason}

    @property
    def instance_collection_type(self) -> str:
        """Whether it has fleets or groups."""
        return "INSTANCE_FLEET" if self.fleets else "INSTANCE_GROUP"

    @property
    def auto_termination_policy(self) -> dict[str, int] | None:
        """The policy in force, or None."""
        return None if self.idle_limit_s is None else {"IdleTimeout": int(self.idle_limit_s)}

    def set_idle_limit(self, seconds: float | None) -> None:
        """End the cluster after so many idle seconds; None never does."""
        with self.changed:
            self.idle_limit_s = seconds
            self.idle_since = monotonic()
            self.changed.notify_all()

    def terminate(self, ending: Ending = BY_USER) -> None:
        """End the cluster: kill the running step, cancel those that wait."""
        with self.changed:
            if self.ending:
                return
            self.ending = ending
            self.state = "TERMINATING"
            self.cancel_pending()
            running = [step for step in self.steps if step.state == "RUNNING"]
            self.changed.notify_all()
        for step in running:
            step.stop()

    def cancel_pending(self) -> None:
        """Cancel the steps that have not started."""
        for step in self.steps:
            if step.state == "PENDING":
                step.enter("CANCELLED")

    def cancel_steps(self, step_ids: Sequence[str], *, force: bool) -> list[dict[str, str]]:
        """Cancel steps; `CancelStepsInfo` for each.

        Args:
            step_ids: Steps to cancel.
            force: Kill a running step instead of sending it SIGTERM.
        """
        return [self._cancel_step(step_id, force=force) for step_id in step_ids]

    def _cancel_step(self, step_id: str, *, force: bool) -> dict[str, str]:
        with self.changed:
            step = next((step for step in self.steps if step.id == step_id), None)
            if step is None or step.is_done:
                reason = f"Step {step_id} is {step.state if step else 'unknown'} and cannot be cancelled."
                return {"StepId": step_id, "Status": "FAILED", "Reason": reason}
            if step.state == "PENDING":
                step.enter("CANCELLED")
            else:
                step.stop(signal.SIGKILL if force else signal.SIGTERM)
        return {"StepId": step_id, "Status": "SUBMITTED"}
