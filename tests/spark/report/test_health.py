"""Vector health in words."""

from __future__ import annotations

import pytest

from spark.report import page as whole
from spark.report.health import lines
from tests.spark.report import months

GOOD = months.GOOD


def page(health):
    return whole.html(months.month(2, health=health))


def test_ordinary_vectors_are_called_so():
    assert not [line for line in lines(GOOD) if line.unusual]
    html = page(GOOD)
    assert "Unusual" not in html
    assert "31.4 (from 171 vectors)" in html
    assert "R² 0.12 (8 components)" in html


@pytest.mark.parametrize(
    ("changes", "label", "says"),
    [
        ({"not_finite": 2}, "Not finite", "embed these chips again"),
        ({"norm_min": 3.0}, "Length", "shorter or longer"),
        ({"norm_max": 31.0}, "Length", "shorter or longer"),
        ({"norm_min": 0.0}, "Length", "shorter or longer"),
        ({"duplicates": 5, "duplicates_other_pixels": 4}, "Exact duplicates", "4 of them"),
        ({"effective_rank": 1.4}, "Effective rank", "collapsed"),
        ({"unclear_r2": 0.8}, "Cloudiness", "min_clear_frac"),
    ],
)
def test_each_fault_is_flagged_alone(changes, label, says):
    unusual = [line for line in lines(GOOD.model_copy(update=changes)) if line.unusual]
    assert len(unusual) == 1
    assert unusual[0].label.startswith(label)
    assert says in unusual[0].verdict
    assert page(GOOD.model_copy(update=changes)).count("<b class=unusual>Unusual.</b>") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"duplicates": 5},
        {"effective_rank": 1.4, "sampled": 6},
        {"effective_rank": None, "sampled": 1},
        {"unclear_r2": None, "components": 0},
    ],
)
def test_what_says_nothing_is_not_flagged(changes):
    assert not [line for line in lines(GOOD.model_copy(update=changes)) if line.unusual]


def test_no_vectors_no_table():
    assert lines(GOOD.model_copy(update={"vectors": 0})) == ()
    assert "Effective rank" not in page(GOOD.model_copy(update={"vectors": 0}))
