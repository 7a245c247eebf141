"""What every step does around its work: argument, logging, session, watchdog, failure, and the session's end."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError

from claylake.errors import StoreError
from claylake.plan import Plan
from claylake.run.failure import StepFailure
from spark.session import session
from spark.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run_step(
    name: str, work: Callable[[SparkSession, Plan], object], argv: Sequence[str] | None, *, sedona: bool = False
) -> int:
    """Parse ``--plan URI`` (argparse exits with 2 on anything else), open the session, run `work`, stop the session.

    Args:
        name: of the step.
        work: what it does; saves the step's report.
        argv: the command line after the program's name; the process's own if None.
        sedona: as of `spark.session.session`.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog=name, allow_abbrev=False)
    parser.add_argument("--plan", required=True, metavar="URI", help="plan.json of the run folder")
    uri: str = parser.parse_args(argv).plan
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    plan = Plan.load(uri)
    spark = session(f"claylake {name} {plan.run.run_id}", plan.warehouse, sedona=sedona)
    try:
        with Watchdog.of(spark, plan, name):
            work(spark, plan)
    except BaseException as error:
        _leave(StepFailure.of(name, error), plan)
        try:
            spark.stop()
        # A JVM that has ended cannot be stopped; the error of the work must come out all the same.
        except (Py4JError, OSError):
            _log.exception("the session could not be stopped")
        raise
    spark.stop()
    return 0


def _leave(failure: StepFailure, plan: Plan) -> None:
    """Say in the run folder why the step failed; what it failed of goes before what keeps that from being said."""
    try:
        failure.save(plan)
    except StoreError:
        _log.exception("the failure could not be noted in the run folder")
