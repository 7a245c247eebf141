"""Triggers, awaits and clears DAG runs through Airflow's REST API."""

from __future__ import annotations

from tests.shared.waiting import until

FINISHED = {"success", "failed"}
RUN_S = 1500
"""Most seconds a run may take; minutes are usual where others use the machine."""


class Runs:
    """The runs of one DAG; unpauses it."""

    def __init__(self, airflow, dag_id):
        self.airflow, self.dag_id = airflow, dag_id
        self._await_dag()
        airflow.call("PATCH", f"dags/{dag_id}", {"is_paused": False})

    def trigger(self, **conf) -> str:
        body = {"logical_date": None, "conf": conf}
        return self.airflow.call("POST", f"dags/{self.dag_id}/dagRuns", body)["dag_run_id"]

    def run(self, **conf) -> tuple[str, str]:
        """Trigger and wait; (run id, state)."""
        run_id = self.trigger(**conf)
        return run_id, self.wait(run_id)

    def wait(self, run_id) -> str:
        """The run's state once it is finished."""

        def finished():
            state = self.airflow.call("GET", f"dags/{self.dag_id}/dagRuns/{run_id}")["state"]
            return state if state in FINISHED else None

        return until(finished, RUN_S, lambda: self.tasks(run_id))

    def wait_for_task(self, run_id, task_id) -> None:
        """Return as soon as the task has succeeded."""
        until(lambda: self.tasks(run_id).get(task_id) == "success", RUN_S, lambda: self.tasks(run_id))

    def tasks(self, run_id) -> dict[str, str]:
        """State of each task."""
        found = self.airflow.call("GET", f"dags/{self.dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def clear(self, run_id, *tasks) -> list[str]:
        """Clear tasks as the UI's button does, downstream included; gives the ids cleared."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": list(tasks),
            "only_failed": False,
            "include_downstream": True,
            "reset_dag_runs": True,
        }
        cleared = self.airflow.call("POST", f"dags/{self.dag_id}/clearTaskInstances", body)["task_instances"]
        return [task["task_id"] for task in cleared]

    def log(self, run_id, task_id, attempt=1) -> str:
        """A task's log, as one text."""
        path = f"dags/{self.dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}?full_content=true"
        lines = self.airflow.call("GET", path)["content"]
        return "\n".join(str(line) for line in lines)

    def note(self, run_id) -> str:
        """The note on a run; empty where it has none."""
        return self.airflow.call("GET", f"dags/{self.dag_id}/dagRuns/{run_id}")["note"] or ""

    def _await_dag(self):
        def is_listed():
            listed = self.airflow.call("GET", f"dags?dag_id_pattern={self.dag_id}")["dags"]
            return any(dag["dag_id"] == self.dag_id for dag in listed)

        until(is_listed, state=lambda: self.airflow.call("GET", "importErrors")["import_errors"])
