"""Servers that fail in any order and number of ways: each cell is exactly its pixels, or a failure with a reason.

`make fuzz` tries many more examples than `make test`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claylake.catalogue.scene import Scene
from spark.reading import gdal, hosts
from spark.reading.errors import UnreadableError
from spark.reading.observe import observe
from spark.reading.scene import CellPixels, read_cells
from spark.reading.strips import CellIndex
from tests.spark.extract.faults import FOREVER, Fault, Files, Request, serving
from tests.spark.extract.imagery import Sheet, noise, paint
from tests.spark.extract.test_faults import StandingClock, remote

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("CLAYLAKE_FUZZ_EXAMPLES", "100")) // 10
SHEET = Sheet(west=156 * 2560, north=1344 * 2560, side=2 * 2560)
CELLS = [CellIndex(col=156 + x, row=1343 - y) for x in range(2) for y in range(2)]
PASSING = ("reset", "short", "long", 429, 500, 502, 503, 504)
"""What a server may do now and then, and then serve."""
LASTING = (*PASSING, "stale", "whole", 400, 401, 403, 404, 410, 416)
FILES = ("red", "nir", "swir16", "scl")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Its pixels do not compress, so that no file fits into the read of its header."""

    return paint(tmp_path_factory.mktemp("scene"), SHEET, noise)


@pytest.fixture(scope="module")
def expected(scene: Scene) -> dict[CellIndex, CellPixels]:
    found = {part.index: part for part in read_cells(scene, CELLS) if isinstance(part, CellPixels)}
    assert sorted(found) == sorted(CELLS)
    return found


def fault(kind: str | int, file: str | None, pixels: bool, times: int, retry_after: str | None) -> Fault:
    def match(request: Request) -> bool:
        return (file is None or request.name == f"{file}.tif") and (request.is_of_pixels or not pixels)

    return Fault(kind=kind, match=match, times=times, retry_after=retry_after)


def faults(kinds: tuple[str | int, ...], times: st.SearchStrategy[int], most: int) -> st.SearchStrategy[list[Fault]]:
    after = st.sampled_from([None, "0", "7", "100000", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
    one = st.builds(fault, st.sampled_from(kinds), st.sampled_from([None, *FILES]), st.booleans(), times, after)
    return st.lists(one, max_size=most)


def read(scene: Scene, given_faults: list[Fault]) -> dict[CellIndex, CellPixels | UnreadableError]:
    """Every cell of the scene, as a server with these faults has it; no pause is really slept."""
    files = Files(folder=Path(scene.assets["red"].href).parent, faults=given_faults)
    with serving(files) as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hosts, "clock", StandingClock())
        patch.setattr(hosts, "_hosts", {})
        patch.setitem(gdal.OPTIONS, "GDAL_HTTP_RETRY_DELAY", "0.01")
        far = remote(scene, root)
        try:
            got = {part.index: part if isinstance(part, CellPixels) else part.error for part in read_cells(far, CELLS)}
        except UnreadableError as error:
            got = dict.fromkeys(CELLS, error)
        observed = list(observe(far, CELLS))
    assert sorted(cell.index for cell in observed) == sorted(CELLS)
    assert all(cell.measures is not None or isinstance(cell.error, UnreadableError) for cell in observed)
    return got


def check(got: dict[CellIndex, CellPixels | UnreadableError], expected: dict[CellIndex, CellPixels]) -> None:
    assert sorted(got) == sorted(CELLS)
    for index, part in got.items():
        if isinstance(part, CellPixels):
            np.testing.assert_array_equal(part.raw, expected[index].raw)
            np.testing.assert_array_equal(part.scl, expected[index].scl)
        else:
            assert isinstance(part, UnreadableError)
            assert "http://127.0.0.1" in str(part), "which file it was"


FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


@FUZZ
@given(given_faults=faults(LASTING, st.sampled_from([1, 2, 5, FOREVER]), 4))
def test_whatever_a_server_does_no_pixel_is_wrong(
    scene: Scene, expected: dict[CellIndex, CellPixels], given_faults: list[Fault]
) -> None:
    check(read(scene, given_faults), expected)


@FUZZ
@given(given_faults=faults(PASSING, st.integers(1, 2), 2))
def test_what_passes_is_ridden_out(
    scene: Scene, expected: dict[CellIndex, CellPixels], given_faults: list[Fault]
) -> None:
    got = read(scene, given_faults)
    check(got, expected)
    assert all(isinstance(part, CellPixels) for part in got.values()), got
