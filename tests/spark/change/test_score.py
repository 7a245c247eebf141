"""Scores of change against a slow loop over plain lists, and what must hold of them whatever the distances are."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claylake.month import Month
from spark.change.baselines import baselines_of
from spark.change.distance import cosine
from spark.change.medians import medians_of
from spark.change.score import MIN_NEIGHBOURS, MIN_SPREAD, SAME, Pairs, scored

SIGMA = 1.4826


def pairs(rows):
    cells, spans, distances = zip(*rows, strict=True) if rows else ((), (), ())
    return Pairs(
        cells=np.array(cells, dtype=np.int64),
        spans=np.array(spans, dtype=np.int64),
        distances=np.array(distances, dtype=np.float64),
    )


def residuals_of(rows):
    """Slow: (cell, span, residual) of those with enough neighbours."""
    found = []
    for cell, span, distance in rows:
        near = [math.log(d) for _, s, d in rows if s == span and d > SAME]
        if distance > SAME and len(near) >= MIN_NEIGHBOURS:
            found.append((cell, span, math.log(distance) - median(near)))
    return found


def slow(now, past, min_history):
    before = residuals_of(past)
    history = {}
    for cell, _, residual in before:
        history.setdefault(cell, []).append(residual)
    away = [abs(r - median(history[c])) for c, _, r in before if len(history[c]) >= min_history]
    area = SIGMA * median(away) if away else 0.0
    known = {(cell, span): residual for cell, span, residual in residuals_of(now)}
    for cell, span, distance in now:
        own = history.get(cell, [])
        if distance <= SAME:
            yield 0.0, 0
        elif (cell, span) not in known:
            yield math.nan, 0
        elif len(own) >= min_history:
            usual = median(own)
            spread = SIGMA * median([abs(r - usual) for r in own])
            yield (known[cell, span] - usual) / max(spread, area, MIN_SPREAD), len(own)
        else:
            near = [abs(r) for (_, s), r in known.items() if s == span]
            yield known[cell, span] / max(SIGMA * median(near), MIN_SPREAD), 0


distances = st.one_of(st.just(0.0), st.floats(1e-5, 2.0))


@st.composite
def areas(draw):
    """Pairs of one month and of earlier ones, some missing, some of the same vectors."""
    cells = draw(st.integers(1, 14))

    def some(spans):
        return [
            (cell, span, draw(distances)) for span in range(spans) for cell in range(cells) if draw(st.integers(0, 9))
        ]

    return some(draw(st.integers(0, 2))), some(draw(st.integers(0, 5)))


@settings(max_examples=60, deadline=None)
@given(areas(), st.integers(1, 4))
def test_scores_are_those_of_the_slow_loop(area, min_history):
    now, past = area
    found = scored(pairs(now), pairs(past), min_history)
    expected = list(slow(now, past, min_history))
    np.testing.assert_allclose(found.scores, [score for score, _ in expected], rtol=1e-9, atol=1e-9)
    assert found.history.tolist() == [months for _, months in expected]


@settings(max_examples=30, deadline=None)
@given(areas(), st.floats(0.1, 1.0))
def test_what_all_cells_do_together_is_no_change(area, factor):
    """A season that moves every cell so many times as far changes no score."""
    now = [(cell, span, distance) for cell, span, distance in area[0] if distance > 1e-4]
    shrunk = [(cell, span, distance * factor) for cell, span, distance in now]
    np.testing.assert_allclose(
        scored(pairs(now), pairs(area[1]), 3).scores, scored(pairs(shrunk), pairs(area[1]), 3).scores, atol=1e-6
    )


def history(cells, months, seed=0):
    random = np.random.default_rng(seed)
    return [
        (cell, month, float(d)) for month in range(months) for cell, d in enumerate(random.uniform(0.01, 0.02, cells))
    ]


@pytest.mark.parametrize("months", [0, 8])
def test_the_cell_that_changed_ranks_first_with_and_without_a_history(months):
    now = history(20, 1, seed=1)
    now[7] = (7, 0, 0.2)
    found = scored(pairs(now), pairs(history(20, months)), 6)
    assert int(np.argmax(found.scores)) == 7
    assert found.scores[7] > 4
    assert set(found.history.tolist()) == {months}


def test_a_cell_that_always_moves_far_is_usual_to_itself_but_not_to_its_neighbours():
    """A field among woods: by its own history nothing happened."""
    past = [(cell, month, d * (10 if cell == 3 else 1)) for cell, month, d in history(20, 8)]
    now = [(cell, month, d * (10 if cell == 3 else 1)) for cell, month, d in history(20, 1, seed=1)]
    assert scored(pairs(now), pairs([]), 6).scores[3] > 4
    assert abs(scored(pairs(now), pairs(past), 6).scores[3]) < 3


def test_a_month_that_repeats_its_predecessor_gives_nothing_and_leaves_no_trace():
    same = [(cell, 8, 0.0) for cell in range(20)]
    assert not scored(pairs([(cell, 0, 0.0) for cell in range(20)]), pairs(history(20, 8)), 6).scores.any()
    now = pairs(history(20, 1, seed=1))
    without, with_it = (scored(now, pairs(past), 6) for past in (history(20, 8), history(20, 8) + same))
    np.testing.assert_array_equal(without.scores, with_it.scores)
    np.testing.assert_array_equal(without.history, with_it.history)


def test_a_cell_without_neighbours_has_no_score():
    assert np.isnan(scored(pairs([(0, 0, 0.3)]), pairs([(0, month, 0.1) for month in range(9)]), 6).scores).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.floats(-1e6, 1e6)), max_size=40))
def test_medians_of_groups(rows):
    found = medians_of(np.array([v for _, v in rows], dtype=float), np.array([g for g, _ in rows], dtype=np.int64), 7)
    for group in range(7):
        values = [value for of, value in rows if of == group]
        assert found.counts[group] == len(values)
        assert (found.medians[group] == pytest.approx(median(values))) if values else np.isnan(found.medians[group])


def test_distances_are_those_of_the_angle():
    random = np.random.default_rng(3)
    first, second = random.normal(size=(2, 50, 16)).astype(np.float32)
    plain = [
        1 - a @ b / math.sqrt((a @ a) * (b @ b)) for a, b in zip(first.astype(float), second.astype(float), strict=True)
    ]
    np.testing.assert_allclose(cosine(first, second), plain, atol=1e-12)
    np.testing.assert_allclose(cosine(first, -first), 2.0)
    np.testing.assert_allclose(cosine(first, 3.5 * second), cosine(first, second), atol=1e-7)
    assert not cosine(first, first).any()
    assert np.isnan(cosine(np.zeros((1, 4)), np.ones((1, 4)))).all()
    with pytest.raises(ValueError, match="do not compare"):
        cosine(first, second[:3])


def test_baselines_are_the_months_before_and_the_same_month_of_earlier_years():
    assert {str(month): kind for month, kind in baselines_of(Month(2024, 2)).items()} == {
        "2024-01": "previous", "2023-12": "previous", "2023-11": "previous",
        "2023-02": "season", "2022-02": "season", "2021-02": "season",
    }  # fmt: skip
