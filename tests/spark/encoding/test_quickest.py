"""The choice among execution paths, with given times."""

import logging

import pytest

from model.execution import PLAIN, Execution
from spark.encoding.quickest import in_order

PROGRAM = Execution(kind="pt2", form="onednn")
MODULE = Execution(kind="eager", form="onednn")
ALL = (PROGRAM, MODULE, PLAIN)


@pytest.mark.parametrize(
    ("times", "first"),
    [
        ({"pt2": 1.0, "eager+onednn": 1.0, "eager": 1.0}, PROGRAM),
        ({"pt2": 1.0, "eager+onednn": 0.97, "eager": 0.96}, PROGRAM),  # no more than noise
        ({"pt2": 1.0, "eager+onednn": 0.9, "eager": 0.8}, PLAIN),
        ({"pt2": None, "eager+onednn": 1.0, "eager": 0.99}, MODULE),
        ({"pt2": None, "eager+onednn": None, "eager": 9.0}, PLAIN),
        ({"pt2": None, "eager+onednn": None, "eager": None}, PROGRAM),
    ],
)
def test_the_favourite_gives_way_only_to_one_that_gains(times, first, caplog):
    with caplog.at_level(logging.INFO):
        found = in_order(ALL, lambda execution: times[execution.name], known=None)
    assert found[0] == first
    assert set(found) == set(ALL)
    if any(times.values()):
        assert f": {first.name}" in caplog.text


def test_the_favourite_is_tried_last_so_that_it_lies_at_hand():
    tried = []
    in_order(ALL, lambda execution: tried.append(execution) or 1.0, known=None)
    assert tried == [PLAIN, MODULE, PROGRAM]


def test_what_a_machines_first_worker_found_the_others_take(tmp_path):
    def refuse(_):
        raise AssertionError

    assert in_order((PLAIN,), refuse, known=tmp_path / "way") == (PLAIN,)
    known = tmp_path / "known"
    assert in_order(ALL, lambda execution: 1.0 if execution == MODULE else 2.0, known=known)[0] == MODULE
    assert in_order(ALL, refuse, known=known) == (MODULE, PROGRAM, PLAIN)
    known.write_text("a path of an older release")
    assert in_order(ALL, refuse, known=known) == ALL
