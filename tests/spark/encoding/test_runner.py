"""Memory and poison, with functions in place of networks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spark.encoding.errors import MemoryShortError, UnsoundError
from spark.encoding.network import Network
from spark.encoding.poison import isolate
from spark.encoding.result import EncodeResult
from tests.spark.encoding.loading import WHEN, encoder_of, numbered, places, repeat_first_pixel


def encode(encoder, count):
    return encoder.encode(numbered(count), places(count), [WHEN] * count)


def noting(sizes, program=repeat_first_pixel):
    def run(dn, *metadata):
        sizes.append(len(dn))
        return program(dn, *metadata)

    return run


def fitting(most):
    def program(dn, *metadata):
        if len(dn) > most:
            raise torch.OutOfMemoryError
        return repeat_first_pixel(dn, *metadata)

    return program


def test_chips_go_in_batches_and_come_in_order():
    sizes = []
    vectors = encode(encoder_of(noting(sizes)), 14).vectors
    assert sizes == [6, 6, 6], "the last batch is filled up: its shape decides in which order products are summed"
    np.testing.assert_array_equal(vectors[:, 0], np.arange(1, 15))


def test_short_memory_halves_the_batch_for_good():
    sizes = []
    encoder = encoder_of(noting(sizes, fitting(3)))
    vectors = encode(encoder, 5).vectors
    assert sizes == [6, 3, 3]
    assert encoder.batch == 3
    np.testing.assert_array_equal(vectors[:, 2], np.arange(1, 6))


def test_short_memory_of_the_machine_itself_is_known_by_its_words():
    def program(dn, *metadata):
        if len(dn) > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return repeat_first_pixel(dn, *metadata)

    encoder = encoder_of(program)
    assert encode(encoder, 3).ok.all()
    assert encoder.batch == 1


def test_a_recording_gives_way_before_the_batch_does():
    encoder = encoder_of(repeat_first_pixel)
    encoder.network = Network.of(fitting(0), "function+graph")
    encoder.network = Network(
        forward=encoder.network.forward, path="function+graph", plain=Network.of(repeat_first_pixel, "function")
    )
    assert encode(encoder, 6).ok.all()
    assert (encoder.path, encoder.batch) == ("function", 6)


def test_one_chip_that_does_not_fit_raises():
    with pytest.raises(MemoryShortError, match="cpu"):
        encode(encoder_of(fitting(0)), 3)


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
def test_vectors_that_are_not_finite_are_marked_and_spoil_no_other(poison):
    def program(dn, *metadata):
        vectors = repeat_first_pixel(dn, *metadata)
        vectors[dn[:, 0, 0, 0] == 4, 1] = poison
        return vectors

    result = encode(encoder_of(program), 5)
    assert np.flatnonzero(~result.ok).tolist() == [3]
    assert result.reasons == (None, None, None, "vector_not_finite", None)
    assert np.isnan(result.vectors[3]).all()
    np.testing.assert_array_equal(result.vectors[[0, 1, 2, 4], 1], [1, 2, 3, 5])


def choking(marks, spreads=False):
    """Raises when one of the marked chips is there; or makes all its company NaN."""

    def program(dn, *metadata):
        vectors = repeat_first_pixel(dn, *metadata)
        if torch.isin(dn[:, 0, 0, 0], torch.tensor(marks, dtype=torch.float32)).any():
            if not spreads:
                raise RuntimeError("choked")
            vectors[:] = float("nan")
        return vectors

    return program


@pytest.mark.parametrize(("spreads", "reason"), [(False, "encoder_error"), (True, "vector_not_finite")])
def test_chips_that_spoil_their_batch_are_found_and_the_rest_is_saved(spreads, reason):
    sizes = []
    encoder = encoder_of(noting(sizes, choking([3, 8], spreads)))
    result = encode(encoder, 12)
    assert {row: why for row, why in enumerate(result.reasons) if why} == {2: reason, 7: reason}
    kept = [row for row in range(12) if row not in (2, 7)]
    np.testing.assert_array_equal(result.vectors[kept, 0], np.array(kept) + 1)
    assert set(sizes) == {6}
    assert len(sizes) < 20
    assert encoder.batch == 6


def test_a_device_that_fails_for_all_is_not_searched_chip_by_chip():
    sizes = []
    encoder = encoder_of(noting(sizes, choking([2])))

    def unsound():
        raise UnsoundError("dead")

    encoder.recheck = unsound
    with pytest.raises(UnsoundError):
        encode(encoder, 6)
    assert sizes == [6]


def test_a_vector_of_zeros_is_a_failure():
    result = EncodeResult.judged(np.array([[0, 0], [0, 1], [np.nan, 0]], np.float32), raised={1})
    assert result.reasons == ("vector_zero", "encoder_error", "vector_not_finite")
    assert np.isnan(result.vectors).all()


@settings(max_examples=150, deadline=None)
@given(data=st.data(), count=st.integers(0, 40))
def test_isolation_finds_exactly_the_poison(data, count):
    raising = data.draw(st.sets(st.integers(0, count - 1))) if count else set()
    spreading = data.draw(st.sets(st.integers(0, count - 1))) if count else set()
    own = data.draw(st.sets(st.integers(0, count - 1))) if count else set()
    runs = 0

    def run(rows):
        nonlocal runs
        runs += 1
        assert len(rows) == len(set(rows.tolist()))
        if raising & set(rows.tolist()):
            raise RuntimeError
        made = np.repeat(rows[:, None].astype(np.float32), 2, axis=1)
        made[[row in own for row in rows.tolist()], 1] = np.inf
        return np.full_like(made, np.nan) if spreading & set(rows.tolist()) else made

    vectors, raised = isolate(run, count, 2, lambda: None)
    assert raised == raising
    bad = raising | spreading | own
    assert set(np.flatnonzero(~np.isfinite(vectors).all(axis=1)).tolist()) == bad
    good = sorted(set(range(count)) - bad)
    np.testing.assert_array_equal(vectors[good, 0], good)
    assert runs <= 1 + 2 * len(bad) * (int(np.ceil(np.log2(max(2, count)))) + 2)
