"""The plugin that Airflow loads; what it registers is in the package `claylake_airflow`.

Airflow executes this file under its bare stem, in the scheduler, the API server, the triggerer
and the DAG processor, which on MWAA see no ``dags/`` folder: nothing here may need `claylake`.
"""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from claylake_airflow import run_note
from claylake_airflow.timetable import MonthlySettledTimetable


class ClaylakePlugin(AirflowPlugin):
    """Timetable and run notes of the claylake DAGs."""

    name = "claylake"
    timetables = [MonthlySettledTimetable]  # noqa: RUF012 - Airflow declares them so
    listeners = [run_note]  # noqa: RUF012
