"""How many workers embed at once, and on which GPU."""

from __future__ import annotations

import pytest

from spark.embedding.task_gpu import own_device
from spark.embedding.workers import ENCODERS, at_once, shared_out


class Context:
    """A session with a setting of its own."""

    def __init__(self, spark, value):
        self.sparkContext, self._real, self._value = self, spark.sparkContext, value

    @property
    def defaultParallelism(self):  # noqa: N802
        return self._real.defaultParallelism

    def getConf(self):  # noqa: N802
        return self

    def get(self, name, default):
        assert name == ENCODERS
        return self._value or default


def test_all_slots_embed_unless_the_session_says_fewer(spark):
    slots = spark.sparkContext.defaultParallelism
    assert at_once(spark) == slots
    assert at_once(Context(spark, "1")) == 1
    assert at_once(Context(spark, "1000")) == slots
    assert at_once(Context(spark, "0")) == 1


@pytest.mark.parametrize(
    ("before", "number", "most", "after"),
    [(1, 32, 2, 2), (1, 16, 2, 1), (5, 80, 2, 5), (5, 80, 1, 1), (5, 8, 2, 1), (2, 17, 2, 2)],
)
def test_chips_are_shared_out_among_the_workers(spark, before, number, most, after):
    chips = spark.range(number, numPartitions=before)
    shared = shared_out(chips, number, most)
    assert shared.rdd.getNumPartitions() == after
    assert sorted(row["id"] for row in shared.collect()) == list(range(number))


@pytest.mark.parametrize(
    ("partition", "visible", "device"), [(0, 0, None), (3, 1, None), (0, 2, "cuda:0"), (3, 2, "cuda:1")]
)
def test_gpus_of_one_machine_are_taken_in_turn(partition, visible, device):
    assert own_device(partition, visible) == device
