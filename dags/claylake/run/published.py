"""What the lake's main branch already holds, read through pyiceberg."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claylake.chips_kept import mark_of
from claylake.pass_month import MARGIN, of_months_arrow
from claylake.run.tables import catalog, open_table, read_batches, read_rows
from claylake.vector_kind import VectorKind
from claylake.vocabulary import CHIPS, EMBEDDINGS, ON_REPROCESSED, REPLACE, SCENE_DONE, SCENES

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table

    from claylake.month import Month

__all__ = ["RunScope", "catalog", "chips_kept_from", "has_scenes", "missing_vectors", "prefix_groups", "settled_scenes"]

MOST_PREFIXES: Final = 200
"""A scan's filter is a tree with one leaf per prefix: above this many, shorter prefixes are used."""
CELLS_AT_ONCE: Final = 100_000
"""Cells whose chips and vectors are compared at once, about: a month's keys of so many take some 50 MB."""


@dataclass(frozen=True, kw_only=True)
class RunScope:
    """A run's cells and months, and what its chips and vectors are made by.

    `cell_ids` and `geohashes` (7 characters) are columns of strings in parallel; `months` follow each other.
    `replaces`: whether chips of an older baseline are made anew.
    """

    cell_ids: pa.ChunkedArray
    geohashes: pa.ChunkedArray
    cells_digest: str
    selection_digest: str
    months: tuple[Month, ...]
    model_version: str
    convention: str
    replaces: bool = False

    @property
    def start(self) -> datetime:
        """First instant of the months, UTC."""
        return self.months[0].start

    @property
    def end(self) -> datetime:
        """First instant after the months, UTC."""
        return self.months[-1].end


def settled_scenes(lake: Catalog, database: str, work: RunScope) -> set[tuple[str, str | None]]:
    """(scene id, `updated`) of the scenes that a published row calls done for these cells and selection.

    Only rows of the run's months are read: a search finds no others. For a run that replaces chips a scene is not
    settled that was done by one that keeps them, where its pass has chips of an older baseline.

    Args:
        lake: the Glue catalog.
        database: of the lake's tables.
        work: the run's cells, months and selection.

    Raises:
        StoreError: if the table is there but cannot be read.
    """
    from pyiceberg.expressions import And, EqualTo

    table = open_table(lake, database, SCENES)
    if table is None:
        return set()
    condition = And(
        _dated(table, work),
        EqualTo("status", SCENE_DONE),
        EqualTo("cells_digest", work.cells_digest),
        EqualTo("selection_digest", work.selection_digest),
    )
    key = ("scene_id", "updated")
    if not work.replaces:
        rows = read_rows(table, condition, key).to_pylist()
    else:
        rows = _settled_for_good(table, condition, work)
    return {(row["scene_id"], row["updated"]) for row in rows}


def _settled_for_good(table: Table, condition: BooleanExpression, work: RunScope) -> list[dict[str, Any]]:
    """Of the rows that meet the condition those of scenes that a run that replaces chips need not do again."""
    from pyiceberg.expressions import And, GreaterThan

    with_chips = And(_dated(table, work), GreaterThan("chips", 0))
    oldest: dict[str, str] = {}
    # Two digits, a point and two digits: baselines are in order as text.
    for row in read_rows(table, with_chips, ("pass", "baseline")).to_pylist():
        if row["baseline"] is not None:
            oldest[row["pass"]] = min(oldest.get(row["pass"], row["baseline"]), row["baseline"])
    rows = read_rows(table, condition, ("scene_id", "updated", "pass", "baseline", "evidence")).to_pylist()
    return [
        row
        for row in rows
        if json.loads(row["evidence"]).get(ON_REPROCESSED) == REPLACE
        or row["baseline"] is None
        or row["baseline"] <= oldest.get(row["pass"], row["baseline"])
    ]


def has_scenes(lake: Catalog, database: str, cells_digest: str) -> bool:
    """Whether any published row is about these cells: the first found ends the scan, and files without it are skipped.

    Args:
        lake: the Glue catalog.
        database: of the lake's tables.
        cells_digest: of an AOI's cells.

    Raises:
        StoreError: if the table is there but cannot be read.
    """
    from pyiceberg.expressions import EqualTo

    table = open_table(lake, database, SCENES)
    if table is None:
        return False
    rows = read_rows(table, EqualTo("cells_digest", cells_digest), ("scene_id",), limit=1)
    return bool(rows.num_rows)


def chips_kept_from(lake: Catalog, database: str) -> Month | None:
    """The first month whose pixels have not ended; None where none has.

    Args:
        lake: the Glue catalog.
        database: of the lake's tables.

    Raises:
        StoreError: if the table is there but cannot be opened.
    """
    table = open_table(lake, database, CHIPS)
    return None if table is None else mark_of(table.properties)


def missing_vectors(lake: Catalog, database: str, work: RunScope) -> int:
    """How many published chips of the cells and months lack a vector of this model and convention.

    Part by part of the area, so that memory does not grow with it: a chip and its vector have one geohash.

    Args:
        lake: the Glue catalog.
        database: of the lake's tables.
        work: the run's cells and months, the model and the convention.

    Raises:
        StoreError: if a table is there but cannot be read.
    """
    chips = open_table(lake, database, CHIPS)
    if chips is None:
        return 0
    vectors = open_table(lake, database, EMBEDDINGS)
    return sum(_missing(chips, vectors, work, prefixes) for prefixes in prefix_groups(work.geohashes))


def prefix_groups(
    geohashes: pa.ChunkedArray, most: int = MOST_PREFIXES, cells: int = CELLS_AT_ONCE
) -> tuple[tuple[str, ...], ...]:
    """Prefixes of at most 4 characters that hold all geohashes, in groups of neighbours.

    One empty group, which bounds nothing, where even single letters are too many.

    Args:
        geohashes: of the cells.
        most: prefixes of a group.
        cells: geohashes of a group; a prefix that holds more has a group of its own.
    """
    import pyarrow.compute as pc

    parts = max(1, -(-len(geohashes) // cells))
    for length in (4, 3, 2, 1):
        counted = pc.value_counts(pc.utf8_slice_codeunits(geohashes, 0, length))
        if len(counted) <= most * parts:
            return _grouped(sorted(counted.to_pylist(), key=lambda entry: entry["values"]), most, cells)
    return ((),)


def _grouped(counted: list[dict[str, Any]], most: int, cells: int) -> tuple[tuple[str, ...], ...]:
    groups: list[tuple[str, ...]] = []
    group: list[str] = []
    held = 0
    for entry in counted:
        if group and (len(group) == most or held + entry["counts"] > cells):
            groups.append(tuple(group))
            group, held = [], 0
        group.append(entry["values"])
        held += entry["counts"]
    return (*groups, tuple(group))


def _missing(chips: Table, vectors: Table | None, work: RunScope, prefixes: tuple[str, ...]) -> int:
    """How many chips without a vector the cells below these prefixes have."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyiceberg.expressions import And

    key, cell_ids = ["id", "content_digest"], _cells_below(work, prefixes)
    found = [
        batch.filter(pc.and_(pc.is_in(batch["cell_id"], cell_ids), of_months_arrow(batch["id"], work.months)))
        for batch in read_batches(chips, _near(chips, work, prefixes), (*key, "cell_id"))
    ]
    lacking = pa.concat_tables([pa.table(batch).select(key) for batch in found]) if found else None
    if lacking is None or not lacking.num_rows:
        return 0
    if vectors is not None:
        ids = lacking["id"].combine_chunks()
        condition = And(_near(vectors, work, prefixes), _kind(work).expression())
        made = [
            pa.table(batch.filter(pc.is_in(batch["id"], ids))) for batch in read_batches(vectors, condition, tuple(key))
        ]
        if made:
            lacking = lacking.join(pa.concat_tables(made), keys=key, join_type="left anti")
    return int(lacking.num_rows)


def _kind(work: RunScope) -> VectorKind:
    return VectorKind(model_version=work.model_version, convention=work.convention)


def _cells_below(work: RunScope, prefixes: tuple[str, ...]) -> pa.Array:
    """Ids of the run's cells whose geohash begins with one of the prefixes, which are equally long."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not prefixes:
        return work.cell_ids.combine_chunks()
    held = pc.is_in(pc.utf8_slice_codeunits(work.geohashes, 0, len(prefixes[0])), pa.array(prefixes))
    return work.cell_ids.filter(held).combine_chunks()


def _near(table: Table, work: RunScope, prefixes: tuple[str, ...]) -> BooleanExpression:
    """Datetime range and geohash prefixes: what prunes partitions and files."""
    from pyiceberg.expressions import And, Or, StartsWith

    starts = [StartsWith("geohash", prefix) for prefix in prefixes]
    if not starts:
        return _dated(table, work)
    return And(_dated(table, work), starts[0] if len(starts) == 1 else Or(*starts))


def _dated(table: Table, work: RunScope) -> BooleanExpression:
    """The months' datetimes, with a margin at both ends."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
    from pyiceberg.types import TimestamptzType

    zoned = isinstance(table.schema().find_field("datetime").field_type, TimestamptzType)
    low, high = (
        (moment if zoned else moment.replace(tzinfo=None)).isoformat()
        for moment in (work.start - MARGIN, work.end + MARGIN)
    )
    return And(GreaterThanOrEqual("datetime", low), LessThan("datetime", high))
