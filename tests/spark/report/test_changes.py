"""What changed, on the page: colours are of the scores, the strongest are shown before and after, the rest is said."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from spark.report import page as whole
from spark.report.changes import section
from spark.report.rows import PAIR_PX, PAIRS_SHOWN, CellChange, one_per_cell, strongest
from tests.spark.report import months


def change(cell_id, score, *, distance=0.25, month="2024-08"):
    return CellChange(
        cell_id=cell_id, month=month, baseline_month="2024-07", id=f"{cell_id}_{month}", baseline_id=f"{cell_id}_before",
        distance=distance, score=score,
    )  # fmt: skip


def changed(scores, side=4, kept=True):
    month = months.month(side)
    found = [change(cell.id, score) for cell, score in zip(month.cells, scores, strict=False)]
    pictures = {
        name: np.full((PAIR_PX, PAIR_PX, 3), 90, np.uint8) for each in found for name in (each.id, each.baseline_id) if kept
    }  # fmt: skip
    return replace(month, rows=replace(month.rows, changes=found, pairs=pictures))


@pytest.mark.parametrize(
    ("score", "colour"), [(-2.0, 1), (0.9, 1), (1.0, 2), (2.5, 3), (3.0, 4), (4.9, 4), (5.0, 5), (40.0, 5), (None, 0)]
)
def test_a_cell_has_the_colour_of_its_score_and_the_others_none(score, colour):
    month = changed([score])
    found = re.findall(r'class="q(\d)" d="[^"]*"><title>(\w+)', section(month))
    assert {cell: int(number) for number, cell in found} == {
        cell.id: colour if cell is month.cells[0] else 0 for cell in month.cells
    }


def test_the_strongest_are_shown_before_and_after():
    month = changed([float(number) for number in range(12)])
    text = section(month)
    shown = re.findall(r"<figcaption>(\w+): score ([\d.]+)", text)
    assert shown == [(month.cells[number].id, f"{number}.0") for number in range(11, 11 - PAIRS_SHOWN, -1)]
    assert text.count("data:image/jpeg") == 2 * PAIRS_SHOWN
    assert "12 of 16 cells" in text


def test_pixels_that_are_no_longer_kept_are_said_and_no_change_is_said():
    assert "no longer kept" in section(changed([1.0], kept=False))
    month = months.month(3)
    assert "no earlier month" in section(month)
    assert "no earlier month" in whole.html(month)


def test_the_page_with_pairs_stays_small():
    assert len(whole.html(changed([1.0] * 100, side=10))) < 4e6


def test_of_several_months_the_strongest_of_a_cell_counts():
    weak, strong = change("a", 1.0), change("a", 3.0, month="2024-09")
    unknown = change("b", None)
    for order in ([weak, strong, unknown], [unknown, strong, weak]):
        assert one_per_cell(order) == [strong, unknown]
    assert strongest([unknown, weak, strong]) == [strong, weak, unknown]
