"""Ends leaked clusters, every hour: so that no cluster is left running."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claylake import compatibility

compatibility.require_environment()  # before a missing plugin or package fails an import with less to say

from airflow.sdk import DAG, task

from claylake.configuration.layers import load_settings
from claylake_airflow import VERSION
from claylake_airflow.failures import name_failure

DAGS = Path(__file__).resolve().parent
ABOUT = """
Ends EMR clusters of this deployment (tag `claylake:pipeline`, same log folder) whose DAG run is neither
queued nor running, or that have outlived their limit (tag `claylake:max-until`). Keep it unpaused.
"""

deployed = load_settings(DAGS, None, {}).deployed
compatibility.check_versions(VERSION, deployed.plugins_version if deployed else None)

with DAG(
    dag_id="claylake_reaper",
    schedule=timedelta(hours=1),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    tags=["claylake"],
    description="Ends clusters whose run is over",
    doc_md=ABOUT,
    default_args={
        "owner": "claylake",
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(minutes=15),
        "on_failure_callback": name_failure,
    },
):

    @task
    def end_leaked_clusters(**context: Any) -> dict[str, int]:
        """End them; gives how many of ours live, and how many were ended."""
        from claylake_airflow import emr, reaper

        settings = load_settings(DAGS, None, {})
        client = emr.client(settings.on_aws.region)
        live = emr.live_clusters(client)
        leaked = reaper.leaked_clusters(
            live,
            log_uri=settings.on_aws.log_uri,
            is_active=lambda dag_id, run_id: reaper.is_active(context["ti"], dag_id, run_id),
            now=datetime.now(UTC),
            max_hours=settings.cluster.max_hours,
        )
        return {"live": len(live), "ended": reaper.end(client, leaked)}

    end_leaked_clusters()
