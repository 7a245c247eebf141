"""How many data files queries read."""

from __future__ import annotations

from contextlib import contextmanager


@contextmanager
def files_read(spark):
    """Collects, per Iceberg scan of the queries inside, how many data files it was to read."""
    java = spark._jsparkSession
    bus = spark.sparkContext._jsc.sc().listenerBus()
    store = java.sharedState().statusStore()
    bus.waitUntilEmpty()
    before = store.executionsList().last().executionId()
    opened = []
    yield opened
    bus.waitUntilEmpty()
    for execution in range(before + 1, store.executionsList().last().executionId() + 1):
        values = store.executionMetrics(execution)
        nodes = store.planGraph(execution).allNodes()
        for node in (nodes.apply(index) for index in range(nodes.size())):
            metrics = node.metrics()
            for metric in (metrics.apply(index) for index in range(metrics.size())):
                value = values.get(metric.accumulatorId())
                if metric.name() == "number of result data files" and value.isDefined():
                    opened.append(int(value.get()))
