"""What is in a lake, from the tables' metadata and the run folders: nothing is scanned but small tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from claylake import store
from claylake.errors import BadInputError
from claylake.month import Month
from claylake.plan import RECEIPT
from claylake.run.receipt import Receipt
from claylake.run.tables import open_table, read_rows
from claylake.vocabulary import CHIPS, EMBEDDINGS, PUBLISH_ORDER, SCENE_DONE, SCENES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table


PUBLISHED: Final = "published"
CHIP_EXAMPLE: Final = "32632_275_2094_S2A_20240802T101031"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableFacts(_Value):
    """A table as readers of main see it.

    Attributes:
        metadata: address of the file that says what the table is now; other programs read the table by it.
        branches: of runs that have not published.
    """

    name: str
    metadata: str
    rows: int
    files: int
    megabytes: float
    snapshots: int
    branches: tuple[str, ...]
    rows_by_month: dict[str, int]


class RunFacts(_Value):
    """The last run of an area and month that published; the last one where none did."""

    aoi: str
    period: str
    outcome: str
    chips: int | None
    vectors: int | None
    report: str | None


class LakeFacts(_Value):
    """A lake. `vectors` counts by kind (model version, convention); `open_scenes` by state, of those not done."""

    tables: tuple[TableFacts, ...]
    vectors: dict[str, int]
    runs: tuple[RunFacts, ...]
    open_scenes: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class LakeView:
    """Where to read: a catalogue and database of tables, and the lake's address, below which the run folders lie."""

    catalog: Catalog
    database: str
    lake: str

    def facts(self) -> LakeFacts:
        """All of it.

        Raises:
            StoreError: a table or a run folder cannot be read.
        """
        opened = {name: open_table(self.catalog, self.database, name) for name in PUBLISH_ORDER}
        tables = {name: table for name, table in opened.items() if table is not None}
        return LakeFacts(
            tables=tuple(_facts(name, table) for name, table in tables.items()),
            vectors=_kinds(tables[EMBEDDINGS]) if EMBEDDINGS in tables else {},
            runs=tuple(self._last_runs()),
            open_scenes=_open_scenes(tables[SCENES]) if SCENES in tables else {},
        )

    def save_chip(self, chip_id: str, path: Path) -> str:
        """Write a chip's true-colour picture, as GeoTIFF or PNG by the path's ending; gives what it shows in words.

        Args:
            chip_id: of a published chip.
            path: ending in ``.tif`` or ``.png``.

        Raises:
            BadInputError: there is no such chip, or the ending is another.
            StoreError: it cannot be read.
        """
        from pyiceberg.expressions import EqualTo

        if path.suffix not in (".tif", ".tiff", ".png"):
            msg = f"--out {path}: give a file that ends in .tif (with its place) or .png"
            raise BadInputError(msg)
        table = open_table(self.catalog, self.database, CHIPS)
        columns = ("id", "geotiff", "scene_id", "datetime", "clear_frac")
        found = [] if table is None else read_rows(table, EqualTo("id", chip_id), columns).to_pylist()
        if not found:
            msg = f"no chip {chip_id!r} is published; ids are those of the table chips, as {CHIP_EXAMPLE}"
            raise BadInputError(msg)
        row = found[0]
        path.write_bytes(row["geotiff"] if path.suffix != ".png" else _png(row["geotiff"]))
        seen = f"{row['datetime']:%Y-%m-%d %H:%M} UTC, scene {row['scene_id']}, {row['clear_frac']:.0%} clear"
        return f"{path}: {row['id']}, {seen}"

    def _last_runs(self) -> Iterator[RunFacts]:
        """By area and month the last that published, else the last; names of run folders are in the order of time."""
        last: dict[tuple[str, ...], Receipt] = {}
        for uri in store.names(store.join(self.lake, "runs")):
            if uri.endswith(f"/{RECEIPT}"):
                receipt, key = Receipt.model_validate_json(store.read(uri)), tuple(uri.split("/")[-4:-2])
                if receipt.outcome == PUBLISHED or key not in last or last[key].outcome != PUBLISHED:
                    last[key] = receipt
        for receipt in last.values():
            yield RunFacts(
                aoi=receipt.aoi,
                period=receipt.period,
                outcome=receipt.outcome,
                chips=receipt.month_chips,
                vectors=receipt.month_vectors,
                report=receipt.report,
            )


def lines(facts: LakeFacts) -> Iterator[tuple[str, str]]:
    """The facts for people: what a line is about, and the line."""
    for table in facts.tables:
        months = ", ".join(f"{month} {rows:,}" for month, rows in table.rows_by_month.items())
        size = f"{table.rows:,} rows, {table.files:,} files, {table.megabytes:,.1f} MB, {table.snapshots} snapshots"
        yield table.name, size + (f"; by month: {months}" if months else "")
        for branch in table.branches:
            yield "", f"branch {branch}: a run that has not published"
    for kind, count in facts.vectors.items():
        yield "vectors", f"{count:,} of {kind}"
    for state, count in facts.open_scenes.items():
        yield "open", f"{count:,} scenes {state}: the next run of their month reads them again"
    for run in facts.runs:
        made = "" if run.chips is None else f", {run.chips:,} chips, {run.vectors:,} vectors"
        yield "run", f"{run.aoi} {run.period}: {run.outcome}{made}" + (f", {run.report}" if run.report else "")
    if not facts.tables and not facts.runs:
        yield "empty", "no month was run yet; `claylake run` makes one"


def _facts(name: str, table: Table) -> TableFacts:
    parts = table.inspect.partitions().to_pylist() if table.current_snapshot() else []
    by_month: Counter[str] = Counter()
    for part in parts:
        number = (part["partition"] or {}).get("datetime_month")
        if number is not None:
            by_month[str(Month(1970 + number // 12, number % 12 + 1))] += part["record_count"]
    return TableFacts(
        name=name,
        metadata=table.metadata_location,
        rows=sum(part["record_count"] for part in parts),
        files=sum(part["file_count"] for part in parts),
        megabytes=sum(part["total_data_file_size_in_bytes"] for part in parts) / 1e6,
        snapshots=len(table.metadata.snapshots),
        branches=tuple(sorted(set(table.refs()) - {"main"})),
        rows_by_month=dict(sorted(by_month.items())),
    )


def _kinds(table: Table) -> dict[str, int]:
    rows = _rows(table, ("model_version", "convention"))
    return dict(sorted(Counter(f"{row['model_version']}, {row['convention']}" for row in rows).items()))


def _open_scenes(table: Table) -> dict[str, int]:
    """Of each scene the newest row counts."""
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(_rows(table, ("scene_id", "status", "created_at")), key=lambda row: row["created_at"]):
        newest[row["scene_id"]] = row
    return dict(sorted(Counter(row["status"] for row in newest.values() if row["status"] != SCENE_DONE).items()))


def _rows(table: Table, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    from pyiceberg.expressions import AlwaysTrue

    found: list[dict[str, Any]] = read_rows(table, AlwaysTrue(), columns).to_pylist()
    return found


def _png(geotiff: bytes) -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(geotiff)).save(out, "PNG")
    return out.getvalue()
