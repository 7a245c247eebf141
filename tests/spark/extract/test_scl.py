from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spark.sentinel2.scl import measure

CELLS = arrays.arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(6), st.just(5)), elements=st.integers(0, 11))


@given(CELLS)
def test_fractions_are_those_of_counting(cells: np.ndarray) -> None:
    got = measure(cells)
    for number, cell in enumerate(cells):
        codes = cell.ravel().tolist()
        total = len(codes)
        for name, wanted in {
            "cloud_frac": {8, 9, 10},
            "shadow_frac": {3},
            "snow_frac": {11},
            "water_frac": {6},
            "nodata_frac": {0},
        }.items():
            assert got[name][number] == sum(code in wanted for code in codes) / total
        assert got["clear_frac"][number] == sum(code not in {0, 1, 3, 8, 9, 10} for code in codes) / total
        valid = [code for code in codes if code]
        if valid:
            assert abs(got["scl_mean"][number] - sum(valid) / len(valid)) < 1e-12
        else:
            assert np.isnan(got["scl_mean"][number])
