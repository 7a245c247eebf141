"""What the lake's main branch already holds, read through pyiceberg."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from claylake.pass_month import of_months_arrow
from claylake.run.tables import catalog, open_table, read_rows
from claylake.vector_kind import VectorKind
from claylake.vocabulary import CHIPS, EMBEDDINGS, SCENE_DONE, SCENES

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from claylake.month import Month

__all__ = ["RunScope", "catalog", "has_scenes", "missing_vectors", "prefixes_of", "settled_scenes"]

MOST_PREFIXES: Final = 200
"""A scan's filter is a tree with one leaf per prefix: above this many, shorter prefixes are used."""
_MARGIN = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class RunScope:
    """A run's cells and months, and what its chips and vectors are made by.

    `cell_ids` and `geohashes` (7 characters) run in parallel; `months` follow each other.
    """

    cell_ids: tuple[str, ...]
    geohashes: tuple[str, ...]
    cells_digest: str
    selection_digest: str
    months: tuple[Month, ...]
    model_version: str
    convention: str

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

    Args:
        lake: the Glue catalog.
        database: of the lake's tables.
        work: the run's cells and selection.

    Raises:
        StoreError: if the table is there but cannot be read.
    """
    from pyiceberg.expressions import And, EqualTo

    table = open_table(lake, database, SCENES)
    if table is None:
        return set()
    condition = And(
        EqualTo("status", SCENE_DONE),
        EqualTo("cells_digest", work.cells_digest),
        EqualTo("selection_digest", work.selection_digest),
    )
    rows = read_rows(table, condition, ("scene_id", "updated"))
    return set(zip(rows["scene_id"].to_pylist(), rows["updated"].to_pylist(), strict=True))


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


def missing_vectors(lake: Catalog, database: str, work: RunScope) -> int:
    """How many published chips of the cells and months lack a vector of this model and convention.

    Args:
        lake: the Glue catalog.
        database: of the lake's tables.
        work: the run's cells and months, the model and the convention.

    Raises:
        StoreError: if a table is there but cannot be read.
    """
    import pyarrow.compute as pc
    from pyiceberg.expressions import And

    table = open_table(lake, database, CHIPS)
    if table is None:
        return 0
    chips = read_rows(table, _near(table, work), ("id", "content_digest", "cell_id"))
    of_cells = pc.is_in(chips["cell_id"], value_set=_array(work.cell_ids))
    chips = chips.filter(pc.and_(of_cells, of_months_arrow(chips["id"], work.months)))
    vectors = open_table(lake, database, EMBEDDINGS)
    if vectors is None or not chips.num_rows:
        return int(chips.num_rows)
    kind = VectorKind(model_version=work.model_version, convention=work.convention)
    condition = And(_near(vectors, work), kind.expression())
    key = ["id", "content_digest"]
    made = read_rows(vectors, condition, tuple(key))
    return int(chips.select(key).join(made.select(key), keys=key, join_type="left anti").num_rows)


def prefixes_of(geohashes: tuple[str, ...], most: int = MOST_PREFIXES) -> tuple[str, ...]:
    """At most `most` prefixes of at most 4 characters that hold all geohashes; () where even one letter is too many."""
    for length in (4, 3, 2, 1):
        prefixes = sorted({geohash[:length] for geohash in geohashes})
        if len(prefixes) <= most:
            return tuple(prefixes)
    return ()


def _near(table: Table, work: RunScope) -> Any:
    """Datetime range and geohash prefixes: what prunes partitions and files."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan, Or, StartsWith
    from pyiceberg.types import TimestamptzType

    zoned = isinstance(table.schema().find_field("datetime").field_type, TimestamptzType)
    low, high = (
        (moment if zoned else moment.replace(tzinfo=None)).isoformat()
        for moment in (work.start - _MARGIN, work.end + _MARGIN)
    )
    condition = And(GreaterThanOrEqual("datetime", low), LessThan("datetime", high))
    starts = [StartsWith("geohash", prefix) for prefix in prefixes_of(work.geohashes)]
    if not starts:
        return condition
    return And(condition, starts[0] if len(starts) == 1 else Or(*starts))


def _array(values: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.string())
