"""Health of vectors with known faults, counted by Spark."""

from __future__ import annotations

import numpy as np
import pytest

from claylake.vector_kind import MixedVectorsError
from spark.embedding import health as module
from spark.embedding.health import health_of
from spark.embedding.variance import effective_rank, explained

pytestmark = pytest.mark.slow
SCHEMA = (
    "id string, global_embedding array<float>, content_digest string, model_version string, convention string, "
    "clear_frac float"
)


def frame(spark, vectors, digests=None, clear=None, conventions=None):
    count = len(vectors)
    rows = [
        (
            f"chip{number}",
            vectors[number].tolist(),
            digests[number] if digests else f"digest{number}",
            "model+1",
            conventions[number] if conventions else "tutorial",
            float(clear[number]) if clear is not None else 0.9,
        )
        for number in range(count)
    ]
    return spark.createDataFrame(rows, SCHEMA)


def random_vectors(count, dim=16):
    return np.random.default_rng(count).normal(size=(count, dim)).astype(np.float32) + 2


def test_counts_lengths_duplicates_and_spread(spark):
    vectors = random_vectors(60)
    vectors[7] = vectors[3]
    vectors[8] = vectors[3]
    vectors[20] = vectors[21]
    vectors[30, 2] = np.nan
    vectors[31, 2] = np.inf
    digests = [f"digest{number}" for number in range(60)]
    digests[7] = digests[3]
    clear = np.linspace(0.7, 1, 60)
    found = health_of(frame(spark, vectors, digests, clear))
    finite = np.delete(vectors, [30, 31], axis=0)
    norms = np.linalg.norm(finite.astype(float), axis=1)
    assert (found.vectors, found.not_finite, found.sampled) == (60, 2, 58)
    assert found.norm_min == pytest.approx(norms.min())
    assert found.norm_max == pytest.approx(norms.max())
    assert found.norm_median == pytest.approx(np.median(norms), rel=0.02)
    assert (found.duplicates, found.duplicates_other_pixels) == (3, 2)
    assert found.effective_rank == pytest.approx(effective_rank(finite), rel=1e-6)
    unclear = 1 - np.delete(clear, [30, 31]).astype(np.float32)
    assert (found.components, found.unclear_r2) == (5, pytest.approx(explained(finite, unclear)[1], abs=1e-6))


def test_vectors_of_zeros_and_bits_that_differ_by_sign_are_distinguished(spark):
    vectors = np.zeros((3, 4), np.float32)
    vectors[1] = -0.0
    assert health_of(frame(spark, vectors)).duplicates == 1


def test_a_large_run_is_sampled_by_id_alone(spark, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 100)
    vectors = random_vectors(800, 4)
    found = health_of(frame(spark, vectors))
    assert (found.vectors, found.duplicates) == (800, 0)
    assert 60 < found.sampled < 140
    assert health_of(frame(spark, vectors).repartition(3)).sampled == found.sampled


def test_nothing_is_found_in_nothing(spark):
    found = health_of(frame(spark, random_vectors(1)).where("false"))
    assert (found.vectors, found.norm_min, found.effective_rank, found.unclear_r2) == (0, None, None, None)


def test_mixed_conventions_are_refused(spark):
    conventions = ["tutorial"] * 5 + ["training"] * 4
    with pytest.raises(MixedVectorsError, match=r"model\+1 \(training\), model\+1 \(tutorial\)"):
        health_of(frame(spark, random_vectors(9), conventions=conventions))
