import doctest
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import spark.encoding
from spark.encoding import Encoder
from spark.encoding.errors import InputError
from tests.spark.encoding.loading import WHEN, chips, load, places


@pytest.fixture(scope="module")
def encoder(artefact: Path) -> Encoder:
    return load(artefact)


def test_loads_and_encodes(encoder: Encoder):
    assert encoder.model_version == "demo-random+cf38dd7b5c0e"
    assert (encoder.convention, encoder.precision, encoder.path) == ("tutorial", "fp32", "pt2")
    result = encoder.encode(chips(3), places(3), [WHEN] * 3)
    assert result.vectors.shape == (3, 1024)
    assert result.vectors.dtype == np.float32
    assert result.ok.all()
    assert result.reasons == (None,) * 3


def test_the_example_of_the_package_is_true(artefact: Path):
    given = {"folder": artefact, "chips": chips(2), "lonlat": places(2), "when": [WHEN] * 2}
    example = doctest.DocTestFinder(recurse=False).find(spark.encoding, globs=vars(spark.encoding) | given)
    found = [doctest.DocTestRunner().run(each) for each in example if each.examples]
    assert [(each.failed, each.attempted) for each in found] == [(0, 6)]


def test_every_convention_passes_its_own_reference_and_gives_other_vectors(artefact: Path, encoder: Encoder):
    given = chips(1), places(1), [WHEN]
    vectors = [encoder.encode(*given).vectors]
    vectors += [load(artefact, name).encode(*given).vectors for name in ("training", "blank")]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(vectors[one] - vectors[other]).max() > 1e-3


def test_vector_depends_on_pixels_place_and_time_but_not_on_company(encoder: Encoder):
    given, where = chips(7), places(7)
    together = encoder.encode(given, where, [WHEN] * 7).vectors
    alone = encoder.encode(given[4:5], where[4:5], [WHEN]).vectors
    np.testing.assert_allclose(alone[0], together[4], atol=1e-5)
    for change in (
        (given[5:6], where[4:5], [WHEN]),
        (given[4:5], where[5:6], [WHEN]),
        (given[4:5], where[4:5], [WHEN.replace(month=12)]),
    ):
        assert np.abs(encoder.encode(*change).vectors - alone).max() > 1e-3


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As local workers have: several would share out a product as they come."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_vector_is_the_same_to_the_last_bit_however_full_its_batch_is(artefact: Path, precision: str):
    encoder, given, where = load(artefact, precision=precision), chips(7), places(7)
    together = encoder.encode(given, where, [WHEN] * 7).vectors
    for rows in ([6], [2, 5], [5, 4, 3], [6, 5, 4, 3, 2, 1, 0]):
        again = encoder.encode(given[rows], where[rows], [WHEN] * len(rows)).vectors
        np.testing.assert_array_equal(again, together[rows])


def test_nodata_and_no_chips_are_ordinary(encoder: Encoder):
    blank = encoder.encode(np.zeros((1, 10, 256, 256), dtype=np.uint16), places(1), [WHEN])
    assert blank.ok.all()
    assert np.abs(blank.vectors).max() > 0
    assert encoder.encode(chips(0), np.empty((0, 2)), []).vectors.shape == (0, 1024)


def test_read_only_chips_are_taken(encoder: Encoder):
    given = chips(1)
    given.flags.writeable = False
    assert encoder.encode(given, places(1), np.array(["2024-06-01T11:20"], dtype="datetime64[s]")).ok.all()


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((1, 10, 256, 256), dtype=np.float32),
        np.zeros((1, 10, 256, 256), dtype=np.int16),
        np.zeros((1, 9, 256, 256), dtype=np.uint16),
        np.zeros((1, 10, 128, 256), dtype=np.uint16),
        np.zeros((10, 256, 256), dtype=np.uint16),
    ],
)
def test_chips_of_another_shape_or_type_are_refused(encoder: Encoder, bad: np.ndarray):
    with pytest.raises(InputError, match=r"must be uint16 \(n, 10, 256, 256\)"):
        encoder.encode(bad, places(1), [WHEN])


def test_counts_must_agree(encoder: Encoder):
    with pytest.raises(InputError, match="2 chips but 1 places"):
        encoder.encode(chips(2), places(1), [WHEN])


def test_driver_needs_no_torch():
    code = "import sys; sys.modules['torch'] = None; import spark.encoding, spark.jobs.embed"
    path = {"PYTHONPATH": "dags"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3], env=path)
