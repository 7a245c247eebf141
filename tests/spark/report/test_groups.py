"""Groups of vectors: silhouettes against a naive oracle, k-means on clouds that anyone can tell apart."""

from __future__ import annotations

import numpy as np
import pytest

from spark.report.groups import best_means, distances, k_means, majority, silhouette
from tests.spark.report import months


def naive(vectors, labels):
    """By the definition, one vector after the other."""
    values = []
    for one, label in zip(vectors, labels, strict=True):
        far = {
            other: [
                np.linalg.norm(one - two)
                for two, its in zip(vectors, labels, strict=True)
                if its == other and two is not one
            ]
            for other in set(labels)
        }
        if not far[label]:
            values.append(0.0)
            continue
        within = np.mean(far.pop(label))
        nearest = min(np.mean(list(others)) for others in far.values())
        values.append((nearest - within) / max(nearest, within))
    return np.mean(values)


@pytest.mark.parametrize("seed", range(4))
def test_silhouettes_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(30, 5))
    labels = rng.integers(0, 4, 30)
    labels[:2] = (7, 0)  # one group of one
    apart = distances(vectors)
    assert apart[3, 4] == pytest.approx(np.linalg.norm(vectors[3] - vectors[4]))
    assert silhouette(apart, labels) == pytest.approx(naive(list(vectors), labels.tolist()))


def test_there_is_no_silhouette_of_one_group():
    assert silhouette(np.zeros((3, 3)), np.zeros(3, int)) is None
    assert silhouette(np.zeros((3, 3)), np.array([0, 0, 1])) == 0


@pytest.mark.parametrize("clouds", [2, 3, 5])
def test_clouds_are_found_and_counted(clouds):
    rng = np.random.default_rng(clouds)
    truth = np.sort(rng.integers(0, clouds, 90))
    vectors = rng.normal(size=(90, 6)) + 20 * rng.permutation(np.eye(6))[truth]
    labels, score = best_means(vectors, distances(vectors))
    assert len(np.unique(labels)) == len(np.unique(truth))
    assert all(len(set(labels[truth == cloud])) == 1 for cloud in np.unique(truth))
    assert score > 0.6
    assert np.all(np.diff(np.bincount(labels)) <= 0), "the largest group comes first"
    assert np.array_equal(labels, best_means(vectors, distances(vectors))[0])


def test_a_part_of_k_means_is_no_worse_than_another_assignment():
    vectors = np.random.default_rng(3).normal(size=(40, 3))
    labels = k_means(vectors, 4)
    centres = np.array([vectors[labels == number].mean(axis=0) for number in range(4)])
    far = np.linalg.norm(vectors[:, None] - centres, axis=2)
    assert np.array_equal(far.argmin(axis=1), labels)


def test_few_or_equal_vectors_have_no_groups():
    for vectors in (np.random.default_rng(1).normal(size=(9, 4)), np.ones((50, 4)), np.zeros((0, 4))):
        labels, score = best_means(vectors, distances(vectors))
        assert (len(labels), score) == (0, None)


def test_the_class_is_what_most_pixels_are():
    chip = months.month(1, seed=4).rows.clearest[0]
    of = {"clear": 0.9, "water": 0.0, "snow": 0.0, "cloud": 0.1, "shadow": 0.0, "nodata": 0.0}
    cases = {
        "land": {}, "water": {"water": 0.6}, "snow": {"snow": 0.7}, "cloud": {"clear": 0.2, "cloud": 0.8},
        "shadow": {"clear": 0.3, "cloud": 0.2, "shadow": 0.5}, "no data": {"clear": 0.1, "cloud": 0.1, "nodata": 0.8},
    }  # fmt: skip
    from dataclasses import replace

    from spark.report.groups import CLASSES

    assert {name: CLASSES[majority(replace(chip, **(of | changes)))] for name, changes in cases.items()} == {
        name: name for name in cases
    }
