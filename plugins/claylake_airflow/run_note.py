"""Puts the receipt's note on the DAG run, where users look first.

Airflow 3 gives a task no way to write its run's note: the task API has no such call, and tasks do
not reach the database. A listener does: it runs where the run's state is decided, in the scheduler,
with the run's own database session. `receipt` leaves the text in XCom; this copies it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from sqlalchemy.orm import Session

TASK = "receipt"
KEY = "note"
MARK = "claylake receipt"
"""First words of every note of ours; a user's own note before it is kept."""
_LONGEST = 1000
"""Airflow's column holds no more characters."""
_log = logging.getLogger(__name__)


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Note on a green run."""
    write(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Note on a red run."""
    write(dag_run)


def write(dag_run: DagRun) -> None:
    """Copy the note of a claylake run's receipt, if it has left one."""
    if not dag_run.dag_id.startswith("claylake_"):
        return
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is not None:
        _copy(dag_run, session)
        return
    # `airflow dags test` decides over a run that belongs to no session.
    from airflow.models.dagrun import DagRun as Stored
    from airflow.utils.session import create_session

    with create_session() as own:
        stored = own.get(Stored, dag_run.id)
        if stored is not None:
            _copy(stored, own)


def _copy(dag_run: DagRun, session: Session) -> None:
    from airflow.models.xcom import XComModel

    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, task_ids=TASK, key=KEY)
    row = session.scalars(query.limit(1)).first()
    if row is None:
        return
    dag_run.note = merge(dag_run.note, str(XComModel.deserialize_value(row)))
    _log.info("noted the receipt on run %s of %s", dag_run.run_id, dag_run.dag_id)


def merge(existing: str | None, text: str) -> str:
    """A user's own words, then ours, replacing what we wrote before; cut to Airflow's limit."""
    own = (existing or "").partition(MARK)[0].rstrip()
    note = f"{own}\n\n{MARK}\n{text}" if own else f"{MARK}\n{text}"
    return note if len(note) <= _LONGEST else note[: _LONGEST - 1] + "…"
