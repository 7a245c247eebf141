"""Parts of a worker: looking ahead, grouping, and finding the GPU."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.embedding.errors import EmbeddingError
from spark.embedding.prefetch import prefetch
from spark.embedding.rebatch import rebatched
from spark.embedding.task_gpu import device_of_task, visible_device


@given(st.lists(st.integers(), max_size=30), st.integers(0, 5), st.integers(1, 4))
def test_ahead_is_map(items, number, threads):
    with ThreadPoolExecutor(threads) as executor:
        assert list(prefetch(executor, lambda item: item * 2, items, number)) == [item * 2 for item in items]


def test_ahead_takes_no_more_than_it_may():
    taken = []

    def endless():
        for number in count():
            taken.append(number)
            yield number

    with ThreadPoolExecutor(2) as executor:
        results = prefetch(executor, str, endless(), 3)
        assert [next(results), next(results)] == ["0", "1"]
        assert taken == [0, 1, 2, 3, 4]
        results.close()


def test_ahead_raises_where_the_result_would_come_and_cancels_the_rest():
    release, begun = threading.Event(), []

    def work(number):
        begun.append(number)
        if number == 1:
            raise ValueError("one")
        release.wait(300 if number == 2 else 0)
        return number

    with ThreadPoolExecutor(1) as executor:
        results = prefetch(executor, work, range(9), 4)
        assert next(results) == 0
        with pytest.raises(ValueError, match="one"):
            next(results)
        release.set()
    assert begun in ([0, 1], [0, 1, 2])


@given(st.lists(st.integers(0, 7), max_size=12), st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_groups_hold_the_same_rows_in_order_and_in_the_sizes_asked_for(lengths, sizes):
    whole = pa.record_batch({"a": list(range(sum(lengths))), "b": [b"x" * n for n in range(sum(lengths))]})
    batches, start = [], 0
    for length in lengths:
        batches.append(whole.slice(start, length))
        start += length
    asked = []

    def size():
        asked.append(sizes[min(len(asked), len(sizes) - 1)])
        return asked[-1]

    groups = list(rebatched(batches, size))
    assert [value for group in groups for value in group.column("a").to_pylist()] == whole.column("a").to_pylist()
    assert all(group.num_rows in sizes for group in groups[:-1])
    assert all(group.num_rows for group in groups)


@pytest.mark.parametrize(
    ("addresses", "visible", "device"),
    [(["0"], 1, "cuda:0"), (["3"], 1, "cuda:0"), (["3"], 4, "cuda:3"), (["0", "1"], 8, "cuda:0"), ([], 1, "cuda:0")],
)
def test_a_task_gets_the_gpu_that_spark_assigned(addresses, visible, device):
    assert visible_device(addresses, visible) == device


@pytest.mark.parametrize(("addresses", "visible"), [(["4"], 4), (["0"], 0), ([], 2), (["GPU-3b7c"], 2)])
def test_a_gpu_that_cuda_does_not_see_is_named(addresses, visible):
    with pytest.raises(EmbeddingError, match=f"CUDA sees {visible}"):
        visible_device(addresses, visible)


def test_without_a_task_there_is_no_gpu():
    assert device_of_task() is None
