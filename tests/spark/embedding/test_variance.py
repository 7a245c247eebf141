"""Effective rank and explained variance against closed forms and naive oracles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.embedding.variance import COMPONENTS, effective_rank, explained


def turned(scales, count=400, dim=24, seed=3):
    """Centred vectors whose singular values are `scales`, in random directions, off the origin."""
    rng = np.random.default_rng(seed)
    left = rng.normal(size=(count, len(scales)))
    left, _ = np.linalg.qr(left - left.mean(axis=0))
    right, _ = np.linalg.qr(rng.normal(size=(dim, len(scales))))
    return left @ np.diag(scales) @ right.T + 5.0


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=8))
def test_effective_rank_is_the_exponential_of_the_entropy(scales):
    shares = np.array(scales) / sum(scales)
    expected = np.exp(-(shares * np.log(shares)).sum())
    assert effective_rank(turned(scales)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("dimensions", [1, 3, 8])
def test_equal_spread_counts_its_dimensions(dimensions):
    assert effective_rank(turned([2.0] * dimensions).astype(np.float32)) == pytest.approx(dimensions, rel=2e-2)


def test_vectors_without_spread_count_one_and_one_vector_nothing():
    assert effective_rank(np.full((9, 5), 0.1, np.float32)) == 1.0
    assert effective_rank(np.ones((1, 5))) is None
    assert effective_rank(np.empty((0, 0), np.float32)) is None


def test_rank_is_at_most_one_less_than_the_vectors():
    vectors = np.random.default_rng(1).normal(size=(7, 64)).astype(np.float32)
    assert 5 < effective_rank(vectors) <= 6.001


def test_share_is_that_of_a_least_squares_fit_on_the_first_components():
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(300, 12)) * np.linspace(6, 1, 12)
    target = 0.2 * vectors[:, 0] - 0.1 * vectors[:, 3] + 0.3 * vectors[:, 11] + rng.normal(size=300)
    centred = vectors - vectors.mean(axis=0)
    _, _, rows = np.linalg.svd(centred, full_matrices=False)
    design = np.column_stack([np.ones(300), centred @ rows[:COMPONENTS].T])
    fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    plain = 1 - ((target - fitted) ** 2).sum() / ((target - target.mean()) ** 2).sum()
    components, share = explained(vectors, target)
    assert components == COMPONENTS
    assert share == pytest.approx(1 - (1 - plain) * 299 / (299 - COMPONENTS))


def test_share_is_whole_or_none_of_it():
    vectors = np.random.default_rng(4).normal(size=(500, 6)) * [9, 4, 3, 2, 1, 1]
    assert explained(vectors, vectors[:, 0])[1] == pytest.approx(1, abs=1e-9)
    assert explained(vectors, np.random.default_rng(5).normal(size=500))[1] < 0.05


@pytest.mark.parametrize(
    ("vectors", "target"),
    [
        (np.random.default_rng(1).normal(size=(9, 4)), np.arange(9.0)),
        (np.random.default_rng(1).normal(size=(90, 4)), np.full(90, 0.1)),
        (np.ones((90, 4)), np.arange(90.0)),
        (np.empty((0, 0)), np.empty(0)),
    ],
)
def test_what_cannot_be_computed_is_none(vectors, target):
    assert explained(vectors, target)[1] is None


def test_few_vectors_use_few_components():
    assert explained(np.random.default_rng(1).normal(size=(35, 20)), np.arange(35.0))[0] == 3


@pytest.mark.parametrize("count", [23, 24, 25])
def test_fewer_vectors_than_components_are_measured_alike(count):
    """Beside the singular value decomposition, which knows no such difference."""
    vectors = np.random.default_rng(count).normal(size=(count, 24)) @ np.diag(np.linspace(0.2, 4, 24)) + 9
    unclear = vectors[:, -1] + np.random.default_rng(1).normal(size=count)
    left, scales, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    shares = scales[scales > 1e-9] / scales[scales > 1e-9].sum()
    assert effective_rank(vectors) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    centred = unclear - unclear.mean()
    plain = ((left[:, :2].T @ centred) ** 2).sum() / (centred**2).sum()
    assert explained(vectors, unclear) == (2, pytest.approx(1 - (1 - plain) * (count - 1) / (count - 3)))
