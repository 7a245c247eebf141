"""How tasks fail: without retries where trying again cannot help, and without leaking what they were given."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Iterator

REASON = "reason"
"""XCom key of what a failure says, for the note on the run; a task that starts again loses it."""
_log = logging.getLogger(__name__)


@contextmanager
def not_retried(*kinds: type[Exception], ti: Any) -> Iterator[None]:
    """Turn errors that a retry would only repeat into final ones, with their message, which is left in XCom, too.

    Raises:
        AirflowFailException: in place of an error of one of the kinds.
    """
    try:
        yield
    except kinds as error:
        ti.xcom_push(key=REASON, value=str(error))
        raise AirflowFailException(str(error)) from error


def name_failure(context: Any) -> None:
    """Failure callback: the exception's type and no more, since callbacks' output is kept apart from task logs."""
    ti = context["ti"]
    error = context.get("exception")
    kind = type(error).__name__ if error is not None else "no exception"
    _log.error("task %s of run %s failed: %s", ti.task_id, ti.run_id, kind)
