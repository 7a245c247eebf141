from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spark.reading.observe import ObservedCell, observe
from spark.reading.strips import CellIndex
from tests.spark.extract.imagery import Sheet, coordinates, paint
from tests.spark.extract.test_reading import broken_block

SHEET = Sheet(west=156 * 2560, north=1344 * 2560, side=2 * 2560)
CELLS = [
    CellIndex(col=156, row=1343),
    CellIndex(col=157, row=1343),
    CellIndex(col=156, row=1342),
    CellIndex(col=157, row=1342),
    CellIndex(col=158, row=1342),
]


def quarters(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cloud in the west half, water in the north-eastern cell."""
    if key != "scl":
        return coordinates(key, x, y)
    return np.where(x < 157 * 128, 9, np.where(y >= 1343 * 128, 6, 4)).astype(np.uint8)


def reason(cell: ObservedCell) -> str | None:
    return cell.error.reason if cell.error else None


def test_fractions_of_each_cell(tmp_path: Path) -> None:
    observed = {cell.index: cell for cell in observe(paint(tmp_path, SHEET, quarters), CELLS)}
    rows = {place: cell.measures for place, cell in observed.items()}
    assert set(rows) == set(CELLS)
    assert all(cell.error is None for cell in observed.values())
    assert rows[CELLS[0]].cloud_frac == 1.0
    assert rows[CELLS[1]].water_frac == 1.0
    assert rows[CELLS[1]].clear_frac == 1.0
    assert rows[CELLS[3]].scl_mean == 4.0
    assert rows[CELLS[4]].nodata_frac == 1.0
    assert rows[CELLS[4]].scl_mean is None


def test_a_missing_band_makes_the_scene_unusable_but_observed(tmp_path: Path) -> None:
    scene = paint(tmp_path, SHEET)
    scene = scene.model_copy(update={"assets": {k: v for k, v in scene.assets.items() if k != "nir08"}})
    (cell,) = observe(scene, CELLS[:1])
    assert reason(cell) == "missing_asset"
    assert "nir08" in str(cell.error)
    assert cell.measures.clear_frac == 1.0


@pytest.mark.parametrize("how", ["no asset", "no file"])
def test_without_classification_every_cell_has_a_reason(tmp_path: Path, how: str) -> None:
    scene = paint(tmp_path, SHEET)
    if how == "no asset":
        scene = scene.model_copy(update={"assets": {k: v for k, v in scene.assets.items() if k != "scl"}})
    else:
        Path(scene.assets["scl"].href).unlink()
    cells = list(observe(scene, CELLS))
    assert [reason(cell) for cell in cells] == ["missing_asset" if how == "no asset" else "unreadable"] * len(CELLS)
    assert [cell.index for cell in cells] == CELLS
    assert all(cell.measures is None for cell in cells)


def test_a_bad_block_costs_only_its_cells(tmp_path: Path) -> None:
    sheet = Sheet(west=156 * 2560, north=1344 * 2560, side=4 * 2560)
    scene = paint(tmp_path, sheet)
    broken_block(scene, "scl", 0, 0)
    cells = {cell.index: cell for cell in observe(scene, [CellIndex(col=156 + x, row=1343) for x in range(4)])}
    assert [reason(cells[CellIndex(col=156 + x, row=1343)]) for x in range(4)] == ["unreadable"] * 2 + [None] * 2
