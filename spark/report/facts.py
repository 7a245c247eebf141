"""The page's numbers as one JSON document: what its script draws from, and what programs may read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from spark.report.groups import CLASSES
from spark.report.markup import kind_of, words
from spark.report.mosaics import tile_side

if TYPE_CHECKING:
    from spark.report.month import Month

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
NOT_COVERED = "."


def facts(month: Month) -> dict[str, Any]:
    """All of it.

    `cells` has a list for each property, in the order of the map's squares: `id`, `chips` (of a block the mean),
    `clear` (of the clearest chip, percent, null without one), `at` (column and row in the pictures, flat), `seen` (for
    each pass the index of its outcome in `codes` as a digit of base 36, a point where it does not cover the cell) and
    `share` (clear pixels of each pass, percent).
    """
    plan, codes = month.plan, sorted(month.rows.outcomes)
    return {
        "area": plan.aoi_name,
        "months": list(plan.months),
        "run": plan.run.run_id,
        "outcome": month.outcome,
        "model": plan.model_version,
        "convention": plan.settings.encoder.convention,
        "counts": month.counts,
        "outcomes": dict(sorted(month.rows.outcomes.items())),
        "codes": [{"outcome": code, "words": words(code), "kind": kind_of(code)} for code in codes],
        "passes": [
            {
                "pass": one.pass_id,
                "start": f"{one.start:%Y-%m-%dT%H:%MZ}",
                "scenes": one.scenes,
                "cells": one.cells,
                "outcomes": dict(sorted(one.outcomes.items())),
                "cloud": one.cloud,
            }
            for one in month.passes
        ],
        "block": month.blocks.side,
        "cells": _cells(month, codes),
        "points": _points(month),
        "tile": tile_side(month.layout),
        "size": [month.layout.width, month.layout.height],
    }


def embedded(document: dict[str, Any]) -> str:
    """The document as text that may stand within a script element."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _cells(month: Month, codes: list[str]) -> dict[str, Any]:
    blocks = month.blocks
    numbers = np.bincount(blocks.of, minlength=len(blocks.names))
    chips, clear = np.zeros(len(blocks.names)), np.zeros(len(blocks.names))
    with_chip = np.zeros(len(blocks.names), np.int64)
    for cell_id, chip in month.clearest.items():
        block = blocks.of[month.index[cell_id]]
        chips[block] += chip.chips
        clear[block] += chip.clear
        with_chip[block] += 1
    found: dict[str, Any] = {
        "id": list(blocks.names),
        "chips": [round(value, 1) if value % 1 else int(value) for value in (chips / numbers).tolist()],
        "clear": [
            round(100 * total / n) if n else None for total, n in zip(clear.tolist(), with_chip.tolist(), strict=True)
        ],
    }
    if blocks.side > 1 or month.rows.observed is None:
        return {**found, "cells": numbers.tolist(), "with_chip": with_chip.tolist()}
    found["at"] = np.column_stack([month.layout.x, month.layout.y]).reshape(-1).tolist()
    order = {one.pass_id: number for number, one in enumerate(month.passes)}
    digits = {code: _DIGITS[min(number, len(_DIGITS) - 1)] for number, code in enumerate(codes)}
    seen = [[NOT_COVERED] * len(order) for _ in blocks.names]
    share: list[list[int | None]] = [[None] * len(order) for _ in blocks.names]
    for row in month.rows.observed:
        cell, number = month.index[row.cell_id], order[row.pass_id]
        seen[cell][number] = digits[row.outcome]
        share[cell][number] = None if row.clear is None else round(100 * row.clear)
    return {**found, "seen": ["".join(line) for line in seen], "share": share}


def _points(month: Month) -> dict[str, Any]:
    groups, scores, layout = month.groups, month.rows.vectors.scores, month.layout
    rows = [scores[cell] for cell in month.points]
    places = [month.index[cell] for cell in month.points]
    basis = month.rows.vectors.basis
    return {
        "cell": [int(month.blocks.of[place]) for place in places],
        "at": [int(value) for place in places for value in (layout.x[place], layout.y[place])],
        "xy": [round(float(value), 4) for row in rows for value in row[:2]],
        "class": list(groups.classes),
        "group": list(groups.means),
        "classes": list(CLASSES),
        "k": groups.k,
        "silhouette": {"class": _rounded(groups.class_score), "group": _rounded(groups.means_score)},
        "variance": [] if basis is None else [round(float(value), 4) for value in basis.explained],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
