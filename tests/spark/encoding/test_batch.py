"""The search for the batch, with given speeds and memory."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from spark.encoding import batch as batches
from spark.encoding.batch import find_batch, find_once, timed
from spark.encoding.selfcheck import Reference
from spark.encoding.sizing import batch_of
from tests.spark.encoding.loading import WHEN, encoder_of, numbered, places, repeat_first_pixel
from tests.spark.encoding.test_runner import fitting


@pytest.mark.parametrize(
    ("rates", "fits", "first", "most", "found", "tried"),
    [
        ({4: 10, 8: 15, 16: 20, 32: 30}, 99, 4, 32, 32, [4, 8, 16, 32]),  # as far as allowed
        ({4: 10, 8: 15, 16: 15.1, 32: 30}, 99, 4, 32, 8, [4, 8, 16]),  # while it pays
        ({4: 10, 8: 9}, 99, 4, 32, 4, [4, 8]),
        ({4: 10, 8: 20}, 8, 4, 32, 8, [4, 8, 16]),  # while it fits
        ({4: 10, 2: 9, 1: 8}, 2, 4, 32, 2, [4, 2, 4]),
        ({1: 8}, 0, 4, 32, 1, [4, 2, 1]),  # nothing fits: the first pass will say so
        ({3: 10}, 99, 16, 3, 3, [3]),
        ({4: 0.5}, 99, 4, 32, 4, [4]),  # too slow to try more: 8 s a pass, 16 s the next
    ],
)
def test_batch_doubles_while_that_pays(rates, fits, first, most, found, tried):
    tried_sizes = []

    def seconds(count):
        tried_sizes.append(count)
        return count / rates.get(count, 1) if count <= fits else None

    assert find_batch(seconds, first=first, most=most) == found
    assert tried_sizes == tried


def test_a_long_pass_is_timed_once_and_a_short_one_when_warm(monkeypatch):
    clock = iter([0, 5.0])
    monkeypatch.setattr(batches.time, "perf_counter", lambda: next(clock))
    assert timed(lambda: 1) == 5.0
    clock = iter([0, 0.9, 1.0, 1.3, 2.0, 2.2])
    assert timed(lambda: 1) == pytest.approx(0.2)
    clock = iter([0.0])
    assert timed(lambda: None) is None


def test_workers_of_a_machine_agree(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda number: find_once(tmp_path / "batch", lambda: str(number)), range(1, 40)))
    assert len(found) == 1
    assert find_once(tmp_path / "batch", lambda: "99") in found
    assert [path.name for path in tmp_path.iterdir()] == ["batch"]


def reference(count=3):
    return Reference(chips=numbered(count), lonlat=places(count), when=[WHEN] * count, vectors=None)


def test_an_encoder_is_tried_as_it_runs_and_its_batch_kept(tmp_path):
    encoder = encoder_of(fitting(5))
    assert batch_of(encoder, reference(), wanted=None, most=6, tuning=tmp_path) in (1, 2, 4)
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("batch-fp32-function-cpu-")
    kept.write_text("3")
    assert batch_of(encoder, reference(), wanted=None, most=6, tuning=tmp_path) == 3
    assert batch_of(encoder, reference(), wanted=None, most=2, tuning=tmp_path) == 2


def test_a_batch_that_is_given_is_not_tried():
    def refuse(*_):
        raise AssertionError

    assert batch_of(encoder_of(refuse), reference(), wanted=9, most=6, tuning=None) == 6
    assert batch_of(encoder_of(repeat_first_pixel), reference(), wanted=2, most=6, tuning=None) == 2
