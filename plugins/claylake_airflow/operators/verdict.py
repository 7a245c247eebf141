"""Decide the run's colour: green if and only if its month is published whole, or there was nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from claylake_airflow.operators.base import GATE_TASK, PLAN_TASK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

GO = "go"
"""XCom key under which the gate leaves its answer; a short circuit itself leaves none."""
ALWAYS = (PLAN_TASK, GATE_TASK, "receipt")
"""Tasks that must succeed in every green run; the others are skipped when the gate stops a run."""


class VerdictOperator(BaseOperator):
    """Fails unless every task that had to run has succeeded, and says which has not.

    It is meant as a teardown. A run that a user marks failed gets its waiting tasks skipped, teardowns
    apart, and an ordinary last task among them would turn the run green.
    """

    def execute(self, context: Context) -> None:
        """Read the states of the run's tasks from Airflow.

        Raises:
            AirflowFailException: if the run is not to be green.
        """
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
        others = {task_id: str(state) for task_id, state in states.items() if task_id != self.task_id}
        why = fault(others, go=ti.xcom_pull(task_ids=GATE_TASK, key=GO))
        if why:
            raise AirflowFailException(why)


def fault(states: Mapping[str, str], *, go: Any) -> str:
    """What keeps a run from being green; empty when nothing does.

    Args:
        states: state of each other task.
        go: the gate's answer, None where it gave none.
    """
    broken = {task_id: state for task_id, state in states.items() if state in ("failed", "upstream_failed")}
    needed = ALWAYS if go is False else tuple(states)
    missing = {task_id: states.get(task_id) for task_id in needed if states.get(task_id) != "success"}
    causes_first = sorted({**missing, **broken}.items(), key=lambda found: (found[1] != "failed", found[0]))
    return ", ".join(f"{task_id} is {state or 'not run'}" for task_id, state in causes_first)
