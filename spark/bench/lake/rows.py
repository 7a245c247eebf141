"""Rows of the tables for cells and a pass: as Arrow columns, so that a million of them are made in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from claylake.vocabulary import CHIPS, OUTCOME_CHIP, SCENES
from spark.lake.tables import FRACTIONS, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from claylake.month import Month
    from claylake.plan import Plan

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
_OF_CELL = ("cell_id", "geohash", "geometry", "epsg", "col", "row", "xmin", "ymin", "xmax", "ymax")


def pass_of(month: Month) -> str:
    """A pass in a month."""
    return f"S2A_{month.start + timedelta(days=4, hours=11):%Y%m%dT%H%M%S}"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What rows have in their blobs: chips' frames and digests, which they have in turn, and the vector of each."""

    pixels: Sequence[tuple[bytes, str]]
    vector: Sequence[float]


def columns(table: str, plan: Plan, cells: pa.Table, pass_id: str, given: Given) -> dict[str, Any]:
    """The columns of a table, one row for each cell; of `scenes` a single row.

    Args:
        table: a name of `spark.lake.tables.TABLES`.
        plan: of the run that wrote the rows.
        cells: as a run folder has them.
        pass_id: in which all cells have a chip.
        given: what the rows have in their blobs.
    """
    number = 1 if table == SCENES else cells.num_rows
    pixels = [given.pixels[place % len(given.pixels)] for place in range(number)]
    shared: dict[str, object] = {
        "datetime": datetime.strptime(pass_id.partition("_")[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC),
        "scene_id": f"{pass_id}_L2A",
        "pass": pass_id,
        "collection": "sentinel-2-l2a",
        "baseline": "05.10",
        "radiometry": "as_published",
        "run_id": plan.run.run_id,
        "created_at": CREATED,
        "scl_mean": 4.5,
        **dict.fromkeys(FRACTIONS, 0.0),
        "clear_frac": 1.0,
        "cells_digest": plan.cells_digest,
        "selection_digest": plan.selection_digest,
        "status": "done",
        "outcome": OUTCOME_CHIP,
        "scenes_considered": [f"{pass_id}_L2A"],
        "processing_version": "2",
        "model_version": plan.model_version,
        "convention": plan.settings.encoder.convention,
        "precision": "fp32",
        "global_embedding": list(given.vector),
        "updated": "2026-01-01T00:00:00Z",
        "evidence": "{}",
        "candidates": cells.num_rows,
        "chips": cells.num_rows,
        "bytes_read": 0,
        "requests": 0,
        "seconds": 0.0,
    }
    made: dict[str, Any] = {name: [value] * number for name, value in shared.items()}
    if table != SCENES:
        made |= {name: cells[name] for name in _OF_CELL}
        made["id"] = [f"{cell_id}_{pass_id}" for cell_id in cells["cell_id"].to_pylist()]
        made["content_digest"] = [digest for _, digest in pixels]
    if table == CHIPS:
        made["clay_tensor"] = [frame for frame, _ in pixels]
        made["geotiff"] = [b"preview"] * number
    return {name: made[name] for name in TABLES[table].columns.names if name in made}


def chips(plan: Plan, cells: pa.Table, pass_id: str, given: Given) -> Iterator[dict[str, Any]]:
    """Rows of `chips`, one by one: their pixels may be large.

    Args:
        plan: of the run that wrote the rows.
        cells: as a run folder has them.
        pass_id: in which all cells have a chip.
        given: what the rows have in their blobs.
    """
    import pyarrow as pa

    made = columns(CHIPS, plan, cells, pass_id, given)
    values = [column.to_pylist() if isinstance(column, pa.ChunkedArray) else column for column in made.values()]
    for row in zip(*values, strict=True):
        yield dict(zip(made, row, strict=True))
