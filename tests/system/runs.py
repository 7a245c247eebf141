"""Triggers, awaits and clears DAG runs through Airflow's REST API."""

from __future__ import annotations

import time

FINISHED = {"success", "failed"}


class Runs:
    """The runs of one DAG; unpauses it."""

    def __init__(self, airflow, dag_id):
        self.airflow, self.dag_id = airflow, dag_id
        self._await_dag()
        airflow.call("PATCH", f"dags/{dag_id}", {"is_paused": False})

    def trigger(self, **conf) -> str:
        body = {"logical_date": None, "conf": conf}
        return self.airflow.call("POST", f"dags/{self.dag_id}/dagRuns", body)["dag_run_id"]

    def run(self, *, within_s=540, **conf) -> tuple[str, str]:
        """Trigger and wait; (run id, state)."""
        run_id = self.trigger(**conf)
        return run_id, self.wait(run_id, within_s)

    def wait(self, run_id, within_s=540) -> str:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            state = self.airflow.call("GET", f"dags/{self.dag_id}/dagRuns/{run_id}")["state"]
            if state in FINISHED:
                return state
            time.sleep(0.5)
        raise AssertionError(f"{run_id} is not finished after {within_s} s: {self.tasks(run_id)}")

    def wait_for_task(self, run_id, task_id, within_s=540) -> None:
        """Return as soon as the task has succeeded."""
        deadline = time.monotonic() + within_s
        while self.tasks(run_id).get(task_id) != "success":
            assert time.monotonic() < deadline, f"{task_id} has not succeeded after {within_s} s: {self.tasks(run_id)}"
            time.sleep(0.2)

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

    def _await_dag(self, within_s=60):
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            listed = self.airflow.call("GET", f"dags?dag_id_pattern={self.dag_id}")["dags"]
            if any(dag["dag_id"] == self.dag_id for dag in listed):
                return
            time.sleep(0.5)
        errors = self.airflow.call("GET", "importErrors")["import_errors"]
        raise AssertionError(f"{self.dag_id} did not appear; import errors: {errors}")
