"""One DAG per AOI file, ``claylake__<aoi>``, and ``claylake_adhoc`` for the trigger form.

```
plan > gate > create_cluster > wait_ready > extract > gpus_up > embed > publish > maintain > terminate > receipt
                 (setup)        (setup)               (setup)   |                         (teardown)
                                                                +> gpus_down (teardown of gpus_up) > terminate
verdict: downstream of every other; it alone decides the run's colour (receipt and verdict are teardowns too)
```

An AOI file that cannot be used makes no DAG here; `claylake_aoi_check` says so in the UI.

The DAG processor executes this file for all DAGs, and each task that starts or goes on does so for its own: then no
other is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from claylake import compatibility

compatibility.require_environment()  # before a missing plugin or package fails an import with less to say

from airflow.sdk import DAG, Param, get_parsing_context, task
from airflow.sdk.definitions.param import ParamsDict

from claylake.configuration.layers import CommonLayers, load_settings
from claylake.configuration.settings import Settings
from claylake.errors import BadInputError, BudgetError, UnusableMonthError
from claylake.month import Month
from claylake.request import aoi_files, form
from claylake.request.param_spec import ParamSpec
from claylake_airflow import VERSION, operators
from claylake_airflow.failures import name_failure, not_retried
from claylake_airflow.operators.verdict import GO
from claylake_airflow.timetable import MonthlySettledTimetable

DAGS = Path(__file__).resolve().parent
ADHOC_DAG = "claylake_adhoc"
AOI_DAG = "claylake__"
"""Before the AOI's name."""

# A wait that ends badly is final. These are for workers that are lost, and for what Airflow takes for it: an executor
# may report an attempt's end before its deferral only when the trigger has fired.
WAIT: dict[str, Any] = {"retries": 2}
API: dict[str, Any] = {"retries": 3}
COMPUTE: dict[str, Any] = {"retries": 1}
TEARDOWN: dict[str, Any] = {"retries": 2}
DEFAULTS: dict[str, Any] = {
    "owner": "claylake",
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    # Of the time in a worker; the waits end by their own deadlines.
    "execution_timeout": timedelta(minutes=30),
    "on_failure_callback": name_failure,
}

ABOUT_AOI = """
Monthly Clay embeddings of Sentinel-2 for the AOI **{aoi}**: one run per calendar month from {start},
{days} days after the month has ended. New DAGs are paused; unpausing starts with the first month.
While the DAG is paused, runs started by hand stay queued.

By hand, for one month:

    airflow dags trigger {dag} --conf '{{"month": "2024-07"}}'

A range of months: `airflow backfill create --dag-id {dag} --from-date 2024-01-01 --to-date 2024-06-01`.
Clearing any task is safe: it brings its cluster along, and the jobs add only what is missing.
"""
ABOUT_ADHOC = """
Embeddings for any area and months, once. Give exactly one of `aoi`, `aoi_geojson` and `bbox`, for example

    {"bbox": [-9.25, 38.68, -9.08, 38.80], "months": "2024-07", "dry_run": true}

A dry run searches and estimates, and stops before anything costs money.
Up to {runs} runs go side by side; clusters are shared with all AOIs (`cluster.max_clusters`), first come first served.
The log of `create_cluster` says who is before a run that waits.
The DAG must be unpaused, or runs stay queued.
"""


@task(execution_timeout=timedelta(hours=2), **API)
def plan(aoi_name: str | None, **context: Any) -> str:
    """Check the params, search the catalogue, estimate; gives the plan's URI."""
    from claylake.configuration.layers import read_aois
    from claylake.plan import PLAN, RunRef
    from claylake.request.params import resolve
    from claylake.run.planning import make_plan

    run = context["dag_run"]
    with not_retried(BadInputError, ti=context["ti"]):
        files = read_aois(aoi_files.aoi_folder(DAGS))
        wrong = files.wrong_with(context["params"].get("aoi"))
        if wrong:
            raise BadInputError(wrong)
        request = resolve(
            context["params"],
            aois=files.aois,
            aoi=files.named(aoi_name) if aoi_name else None,
            run_type=run.run_type.value,
            interval_start=run.data_interval_start,
        )
        settings = load_settings(DAGS, request.aoi, request.overrides)
        made = make_plan(run=RunRef(dag_id=run.dag_id, run_id=run.run_id), request=request, settings=settings)
    return made.uri(PLAN)


@task.short_circuit(ignore_downstream_trigger_rules=False, **API)
def gate(**context: Any) -> bool:
    """Whether to start: not in a dry run or without work; it fails above the budget or without usable scenes."""
    import logging

    from claylake.plan import Plan
    from claylake.run.gate import decide_start

    with not_retried(BudgetError, UnusableMonthError, ti=context["ti"]):
        decision = decide_start(Plan.load(context["ti"].xcom_pull(task_ids="plan")))
    logging.getLogger(__name__).info("%s", decision.why)
    context["ti"].xcom_push(key=GO, value=decision.go)
    return decision.go


def build(
    dag_id: str, aoi_name: str | None, schedule: MonthlySettledTimetable | None, settings: Settings, **arguments: Any
) -> DAG:
    """The DAG of one AOI file, or of the trigger form.

    Args:
        dag_id: its id.
        aoi_name: name of the AOI file; None for the trigger form.
        schedule: when it runs; None for a DAG that is only triggered.
        settings: those at parse time; they give the retry delay, and how many runs go side by side.
        arguments: further arguments of `DAG`.
    """
    with DAG(
        dag_id=dag_id,
        schedule=schedule,
        catchup=schedule is not None,
        # Months of an AOI go one after the other; runs of the trigger form side by side, within `max_clusters`.
        max_active_runs=1 if aoi_name else settings.schedule.adhoc_runs,
        is_paused_upon_creation=True,
        default_args={**DEFAULTS, "retry_delay": timedelta(seconds=settings.schedule.retry_delay_s)},
        **arguments,
    ) as dag:
        # Not one at a time: Airflow counts deferred tasks, and a run has no place in the queue before its task starts.
        create = operators.CreateClusterOperator(task_id="create_cluster", **API).as_setup()
        ready = operators.WaitClusterReadyOperator(task_id="wait_ready", **WAIT).as_setup()
        extract = operators.StepOperator(task_id="extract", step="extract", **COMPUTE)
        gpus_up = operators.GpusUpOperator(task_id="gpus_up", **COMPUTE).as_setup()
        embed = operators.StepOperator(task_id="embed", step="embed", **COMPUTE)
        gpus_down = operators.GpusDownOperator(task_id="gpus_down", **TEARDOWN)
        publish = operators.PublishOperator(task_id="publish", alias=dag_id, **COMPUTE)
        maintain = operators.StepOperator(task_id="maintain", step="maintain", **COMPUTE)
        terminate = operators.TerminateClusterOperator(task_id="terminate", **TEARDOWN)
        receipt = operators.ReceiptOperator(task_id="receipt", **API)
        verdict = operators.VerdictOperator(task_id="verdict", **API)

        made = plan(aoi_name=aoi_name)
        made >> gate() >> create >> ready >> extract >> gpus_up >> embed >> publish >> maintain
        # Beside publishing: GPU nodes leave while it goes on.
        embed >> gpus_down.as_teardown(setups=gpus_up, on_failure_fail_dagrun=True)
        [maintain, gpus_down] >> terminate.as_teardown(setups=[create, ready], on_failure_fail_dagrun=True) >> receipt
        # Teardowns without setups always run, even in a run that a user has marked failed.
        receipt.as_teardown(on_failure_fail_dagrun=True)
        verdict.as_teardown(on_failure_fail_dagrun=True)
        # Behind a setup a teardown would be skipped with it; setups are judged all the same.
        [each for each in dag.tasks if each is not verdict and not each.is_setup] >> verdict
    add_params(dag, form.ADHOC if aoi_name is None else form.AOI_DAG)
    return dag


class TaskParams(ParamsDict):
    """Params of tasks that give their values unchecked where Airflow compares and prints them.

    It does so for each task of a DAG that it stores, and checks all schemas each time: nine tenths of the time that
    storing takes. The defaults satisfy their schemas (by a test), and values that users give are checked as ever.
    """

    def dump(self) -> dict[str, Any]:
        """The values by name; None where there is none yet."""
        return {name: param.value if param.has_value else None for name, param in self.items()}


def add_params(dag: DAG, specs: Mapping[str, ParamSpec]) -> None:
    """Give a DAG and its tasks the params of its trigger form.

    Airflow would do so itself, but copies a DAG's params deeply for each task that is made, and checks all schemas for
    each DAG: together two thirds of the time of a parse.
    """
    dag.params.update({name: Param(**spec.arguments()) for name, spec in specs.items()})
    of_tasks = TaskParams({name: Param(**spec.arguments(), source="dag") for name, spec in specs.items()})
    for each in dag.tasks:
        each.params = of_tasks


def build_aoi(entry: aoi_files.AoiFile) -> DAG:
    """The DAG of one AOI file."""
    dag_id = f"{AOI_DAG}{entry.name}"
    schedule = entry.settings.schedule
    start: datetime = Month.parse(schedule.start_month).start
    about = ABOUT_AOI.format(aoi=entry.name, dag=dag_id, start=schedule.start_month, days=schedule.settle_days)
    return build(
        dag_id,
        entry.name,
        MonthlySettledTimetable(schedule.settle_days),
        entry.settings,
        start_date=start,
        tags=["claylake", entry.name],
        description=f"Clay embeddings of {entry.name}, month by month",
        doc_md=about,
    )


def build_adhoc(settings: Settings) -> DAG:
    """The DAG of the trigger form."""
    return build(
        ADHOC_DAG,
        None,
        None,
        settings,
        start_date=Month(2015, 7).start,
        tags=["claylake"],
        description="Clay embeddings of any area and months",
        doc_md=ABOUT_ADHOC.replace("{runs}", str(settings.schedule.adhoc_runs)),
    )


layers = CommonLayers.read(DAGS)
common = layers.settings(None, {})
compatibility.check_versions(VERSION, common.deployed.plugins_version if common.deployed else None)
needed = get_parsing_context().dag_id
if needed != ADHOC_DAG:
    for file in aoi_files.list_aois(DAGS, layers, only=needed and needed.removeprefix(AOI_DAG)).files:
        build_aoi(file)
if needed in (None, ADHOC_DAG):
    build_adhoc(common)
