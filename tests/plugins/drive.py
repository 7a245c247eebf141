"""Runs an operator as Airflow does: execute, trigger, resume; with XCom kept in a dict."""

from __future__ import annotations

import asyncio
from importlib import import_module
from types import SimpleNamespace

from airflow.sdk.exceptions import TaskDeferred

from claylake.configuration.settings import assemble
from claylake.month import Month
from claylake.plan import PLAN, Estimate, Found, Plan, RunRef


class TaskInstance(SimpleNamespace):
    """As much of a task instance as the operators use."""

    def __init__(self, dag_id, run_id, xcoms):
        super().__init__(dag_id=dag_id, run_id=run_id, task_id="task", xcoms=xcoms, pushed={})

    def xcom_pull(self, task_ids, key="return_value"):
        return self.xcoms.get(task_ids if key == "return_value" else (task_ids, key))

    def xcom_push(self, key, value):
        self.pushed[key] = value


def make_plan(stack, run_id="run1", aoi="lisbon", dag_id="claylake__lisbon", **cluster):
    """A saved plan of one month on the stack."""
    import json
    from pathlib import Path

    deployed = json.loads(Path(stack.env["CLAYLAKE_DEPLOYED"]).read_text())
    settings = assemble({"deployed.json": deployed, "test": {"cluster": cluster}})
    estimate = Estimate(
        scenes=1,
        cells=1,
        candidates=1,
        chips=1,
        read_gb=0,
        store_gb=0,
        gpu_hours=0,
        cluster_hours=0,
        usd=0,
        instances={},
    )
    plan = Plan(
        run=RunRef(dag_id=dag_id, run_id=run_id),
        aoi_name=aoi,
        aoi_geometry={},
        months=(str(Month(2024, 7)),),
        folder=f"{stack.lake}/runs/{dag_id}/2024-07/{run_id}",
        work="full",
        cells=1,
        cells_digest="c",
        selection_digest="s",
        missing_vectors=0,
        found=Found(),
        estimate=estimate,
        model_version="demo-random+0",
        settings=settings,
    )
    plan.save()
    return plan


def context(plan, **xcoms):
    """A task's context; `xcoms` are other tasks' return values."""
    ti = TaskInstance(plan.run.dag_id, plan.run.run_id, {"plan": plan.uri(PLAN), **xcoms})
    return {"ti": ti, "outlet_events": {}}


def rebuilt(trigger):
    """The trigger as the triggerer gets it."""
    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**arguments)


def fire(trigger):
    """The payload of a trigger's first event."""

    async def first():
        async for event in rebuilt(trigger).run():
            return event.payload
        raise AssertionError("the trigger ended without an event")

    return asyncio.run(asyncio.wait_for(first(), 300))


def deferred(operator, given):
    """The deferral that `execute` ends with."""
    try:
        operator.execute(given)
    except TaskDeferred as pause:
        return pause
    raise AssertionError("the operator did not defer")


def run(operator, given):
    """To the end; the return value."""
    step = lambda: operator.execute(given)  # noqa: E731
    while True:
        try:
            return step()
        except TaskDeferred as pause:
            method, more = pause.method_name, {**(pause.kwargs or {}), "event": fire(pause.trigger)}
            step = lambda method=method, more=more: getattr(operator, method)(given, **more)  # noqa: E731
