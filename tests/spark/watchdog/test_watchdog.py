"""A driver that would wait for ever ends, with its reason; the same `spark-submit` and entry as on a cluster."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from py4j.protocol import Py4JError

from claylake.configuration.settings import Settings
from claylake.plan import PLAN, Estimate, Found, Plan, RunRef
from claylake.run.failure import StepFailure
from spark.watchdog import signs
from spark.watchdog.judge import Judge, Limits, Signs, Verdict
from spark.watchdog.resource_manager import ResourceManager
from spark.watchdog.watchdog import EXIT_CODE, Watchdog

ROOT = Path(__file__).resolve().parents[3]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
JOB = """
import sys, time
from spark.jobs.entry import run_step


def never_given_work(spark, plan):
    spark.sparkContext.parallelize([1], 1).count()


def hanging(spark, plan):
    spark.sparkContext.parallelize([1], 1).foreach(lambda _: time.sleep(3600))


if __name__ == "__main__":
    sys.exit(run_step("extract", globals()[sys.argv.pop(1)], None))
"""


def plan_in(folder, **cluster):
    deployed = {
        "region": "us-west-2", "lake": "s3://lake", "artifacts": "s3://a", "log_uri": "s3://a/logs",
        "service_role": "s", "instance_profile": "i", "subnet_ids": ["subnet-local"],
    }  # fmt: skip
    nothing = dict.fromkeys(("scenes", "cells", "candidates", "chips"), 1)
    amounts = dict.fromkeys(("read_gb", "store_gb", "gpu_hours", "cluster_hours", "usd"), 0.0)
    plan = Plan(
        run=RunRef(dag_id="claylake__town", run_id="r"),
        aoi_name="town",
        aoi_geometry={},
        months=("2024-07",),
        folder=str(folder / "run"),
        work="full",
        cells=1,
        cells_digest="c",
        selection_digest="s",
        missing_vectors=0,
        found=Found(),
        estimate=Estimate(**nothing, **amounts, instances={}),
        model_version="demo-random+0",
        settings=Settings.model_validate({"deployed": deployed, "cluster": cluster}),
    )
    plan.save()
    return plan


def submit(folder, work, *options, **cluster):
    """Start a step, whose driver nobody but the watchdog would end."""
    folder.mkdir()
    plan, job = plan_in(folder, **cluster), folder / "job.py"
    job.write_text(JOB)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dags")]),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    quick = ("--conf", "spark.ui.enabled=false", "--driver-java-options", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    command = [str(Path(sys.executable).with_name("spark-submit")), *options, *quick]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [*command, str(job), work, "--plan", plan.uri(PLAN)], env=environment, cwd=folder, stdout=log, stderr=log
        )
    return plan, child


def ended(plan, child, folder):
    assert child.wait(300) == EXIT_CODE
    return StepFailure.load(plan, "extract", LONG_AGO), (folder / "log").read_text()


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """Both at the same time; each is ended by its own limit, however slow the machine: the other limit is far."""
    place = tmp_path_factory.mktemp("steps")
    # Its only worker has one core, and the executor wants two.
    never = ("--master", "local-cluster[1,1,1024]", "--conf", "spark.executor.cores=2")
    far = dict.fromkeys(("extract",), 1000)
    started = {
        "never": submit(place / "never", "never_given_work", *never, executor_minutes=0.05, stalled_minutes=far),
        "hang": submit(
            place / "hang", "hanging", "--master", "local[1]", executor_minutes=1000, stalled_minutes={"extract": 0.05}
        ),
    }
    try:
        yield {name: ended(*step, place / name) for name, step in started.items()}
    finally:
        for _, child in started.values():
            child.kill()
            child.wait()


def test_a_step_whose_executor_never_comes_ends_for_good(steps):
    failure, log = steps["never"]
    assert failure.message == "step extract was ended: no executor has come within 3 s"
    assert failure.is_final
    assert failure.details[0].startswith("requested: ? executors, each with ? and ? overhead, 2 vCPUs")
    assert f"ERROR spark.watchdog.watchdog: {failure.message}\n{failure.details[0]}" in log


def test_a_step_that_hangs_ends_and_may_be_tried_again(steps):
    failure, log = steps["hang"]
    assert failure.message == "step extract was ended: no task has finished and no byte was moved for 3 s"
    assert not failure.is_final
    assert failure.message in log


def watchdog(plan, look, **more):
    manager = ResourceManager(address="", requested="requested: nothing")
    return Watchdog(plan=plan, step="extract", limits=LIMITS, manager=manager, look=look, **more)


LIMITS = Limits(executor_s=0.02, stalled_s=1e9)


def test_looking_that_never_returns_does_not_keep_it_from_judging(tmp_path):
    """As of a JVM that hangs: the clock alone decides."""
    released, codes, over = threading.Event(), [], threading.Event()
    times = iter([0.0, 0.01])

    def end(code):
        codes.append(code)
        over.set()

    plan = plan_in(tmp_path)
    with watchdog(plan, released.wait, clock=lambda: next(times, 1.0), end=end):
        assert over.wait(60)
        released.set()
    assert codes == [EXIT_CODE]
    assert StepFailure.load(plan, "extract", LONG_AGO).message.endswith("no executor has come within 1 s")


def test_counts_that_cannot_be_read_end_no_step(tmp_path):
    """As of a Spark of another build, hours on."""
    hours, verdicts = itertools.count(0.0, 3600.0), []

    def unreadable():
        if dog._seen is not None:
            verdicts.append(judge.verdict(dog._seen, next(hours)))
        if len(verdicts) == 5:
            dog._over.set()
        raise Py4JError("there is no executorList")

    dog = watchdog(plan_in(tmp_path), unreadable, clock=lambda: next(hours))
    judge = Judge(Limits(executor_s=60.0, stalled_s=60.0), next(hours))
    dog._look()
    assert verdicts == [None] * 5


def test_a_failure_that_cannot_be_noted_is_ended_all_the_same(tmp_path):
    plan, codes = plan_in(tmp_path), []
    (tmp_path / "run" / "failure.json").mkdir()
    watchdog(plan, lambda: None, end=codes.append).bark(Verdict(message="m", is_final=True))
    assert codes == [EXIT_CODE]


def test_work_that_is_done_is_not_ended(tmp_path):
    codes = []
    with watchdog(plan_in(tmp_path), lambda: Signs(executors=1), clock=lambda: 0.0, end=codes.append) as dog:
        pass
    dog._judge()
    assert codes == []


def test_finished_tasks_are_headway_and_the_driver_counts_where_it_does_the_work(spark, tmp_path):
    plan = plan_in(tmp_path)
    before = signs.read(spark.sparkContext, plan)
    assert before.executors == 1
    assert signs.read(spark.sparkContext, plan) == before
    spark.sparkContext.parallelize([1, 2], 2).count()
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    after = signs.read(spark.sparkContext, plan)
    assert after.headway[0] == before.headway[0] + 2
