"""A real Airflow on the local stack: scheduler, triggerer, DAG processor, and the UI with its REST API."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.home import Home
from infra.local.options import REPOSITORY
from infra.local.ports import free_port
from infra.local.process import Child

START_S = 300.0


class AirflowError(RuntimeError):
    """Airflow did not come up, or refused a call; the message holds its answer."""


@dataclass(frozen=True, kw_only=True)
class Airflow:
    """A running Airflow's REST API. Every user is an administrator: it listens on loopback only."""

    url: str
    token: str = ""

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One call of ``/api/v2``; gives the answer's JSON (None when empty).

        Args:
            method: HTTP method.
            path: below ``/api/v2/``, with the query.
            body: sent as JSON; None sends no body.

        Raises:
            AirflowError: with the status and the answer.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.url}/api/v2/{path}", data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise AirflowError(f"{method} {path}: {error.code} {error.read().decode()[:2000]}") from error
        return json.loads(text) if text else None

    def log_in(self) -> Airflow:
        """The same with a token."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/auth/token", timeout=60) as answer:
            return Airflow(url=self.url, token=json.load(answer)["access_token"])


def environment(env: Mapping[str, str], port: int) -> dict[str, str]:
    """Settings of an Airflow on a port of its own, without log-in.

    Only workers have ``dags/`` on the path on MWAA: here every component runs with the plugins alone,
    and Airflow itself adds the DAGs folder for task processes.
    """
    settings = {
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
        "AIRFLOW__TRIGGERER__CAPACITY": "50",
        # Of their own, or two Airflows of one machine would share them.
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        # Spark steps share this machine's cores: what is late has not failed.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
    }
    return {key: value for key, value in env.items() if key != "PYTHONPATH"} | settings


@contextmanager
def running(home: Home, env: Mapping[str, str], port: int, log: Path) -> Iterator[Airflow]:
    """`airflow standalone` for the length of a `with` block.

    Args:
        home: gives the interpreter of the airflow environment.
        env: environment variables, to which `environment` adds.
        port: of the UI and the API.
        log: file that gets the output; an older one is removed.

    Raises:
        AirflowError: if it is not healthy in time.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    command = [str(home.python("airflow")), "-m", "airflow", "standalone"]
    child = Child(command, env=environment(env, port), cwd=REPOSITORY, stdout=log, stderr=log)
    try:
        yield _await(Airflow(url=f"http://127.0.0.1:{port}"), child, log)
    finally:
        child.stop(grace_s=15.0)


def _await(airflow: Airflow, child: Child, log: Path) -> Airflow:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and child.is_running:
        try:
            health = airflow.call("GET", "monitor/health")
            parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
            if all((health.get(part) or {}).get("status") == "healthy" for part in parts):
                return airflow.log_in()
        except (OSError, AirflowError, ValueError):
            pass
        time.sleep(0.5)
    raise AirflowError(f"Airflow did not come up:\n{log.read_text(errors='replace')[-3000:]}")
