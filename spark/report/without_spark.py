"""The rows of a month's page, read by pyiceberg: what the command draws from, without a JVM."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from claylake.month import Month
from claylake.pass_month import MARGIN, of_months_arrow
from claylake.run.tables import open_table, read_batches, read_rows
from claylake.vector_kind import VectorKind
from claylake.vocabulary import CHANGES, CHIPS, EMBEDDINGS, OBSERVATIONS, SCENES
from spark.change.baselines import PREVIOUS
from spark.report.clearest import CHOSEN, FIT_ON, records
from spark.report.pca import Basis
from spark.report.picture import shrink
from spark.report.rows import (
    CHANGE_COLUMNS,
    MOST_CELLS,
    MOST_POINTS,
    PAIR_PX,
    CellChange,
    Clearest,
    Observed,
    Rows,
    SceneRow,
    Vectors,
    by_pass,
    newest,
    one_per_cell,
    strongest,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression

    from claylake.plan import Plan

_SEED: Final = 42
"""Spark's own of its xxhash64."""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Published rows of a plan's cells and months.

    Attributes:
        lake: catalogue of the tables.
        plan: of the run.
        cell_ids: of the area.
        tile_px: side of a tile.
    """

    lake: Catalog
    plan: Plan
    cell_ids: frozenset[str]
    tile_px: int

    def rows(self) -> Rows:
        """All of them.

        Raises:
            StoreError: a table cannot be read.
        """
        columns = ("cell_id", "pass", "outcome", "clear_frac", "cloud_frac")
        observed = [
            Observed(
                cell_id=row["cell_id"],
                pass_id=row["pass"],
                outcome=row["outcome"],
                clear=row["clear_frac"],
                cloud=row["cloud_frac"],
            )
            for row in self._read(OBSERVATIONS, columns, "pass")
        ]
        chosen = self._clearest()
        vectors, count = self._vectors(chosen)
        changed = self._changes()
        return Rows(
            passes=by_pass(observed),
            observed=observed if len(self.cell_ids) <= MOST_CELLS else None,
            scenes=self._scenes(),
            clearest=chosen,
            tiles=self._tiles(chosen),
            vectors=vectors,
            vector_count=count,
            changes=changed,
            pairs=self._pairs(changed),
        )

    def _changes(self) -> list[CellChange]:
        from pyiceberg.expressions import And, EqualTo

        condition = And(VectorKind.of(self.plan).expression(), EqualTo("baseline_kind", PREVIOUS))
        return one_per_cell(CellChange(**row) for row in self._read(CHANGES, CHANGE_COLUMNS, "id", condition))

    def _pairs(self, changed: list[CellChange]) -> dict[str, np.ndarray]:
        from pyiceberg.expressions import In

        ids = {name for each in strongest(changed) for name in (each.baseline_id, each.id)}
        table = open_table(self.lake, self.plan.database, CHIPS)
        if table is None or not ids:
            return {}
        rows = read_rows(table, In("id", ids), ("id", "geotiff")).to_pylist()
        return {row["id"]: shrink(row["geotiff"], PAIR_PX) for row in rows}

    def _scenes(self) -> list[SceneRow]:
        from pyiceberg.expressions import EqualTo

        columns = ("scene_id", "pass", "status", "radiometry", "created_at")
        rows = self._read(SCENES, columns, "pass", EqualTo("cells_digest", self.plan.cells_digest))
        return newest(
            SceneRow(
                scene_id=row["scene_id"],
                pass_id=row["pass"],
                status=row["status"],
                radiometry=row["radiometry"] or "",
                created_at=row["created_at"],
            )
            for row in rows
        )

    def _clearest(self) -> list[Clearest]:
        best: dict[str, dict[str, Any]] = {}
        number: Counter[str] = Counter()
        for row in self._read(CHIPS, CHOSEN, "id"):
            cell = row["cell_id"]
            number[cell] += 1
            if cell not in best or _order(row) < _order(best[cell]):
                best[cell] = row
        return records({**row, "chips": number[cell]} for cell, row in best.items())

    def _tiles(self, chosen: Iterable[Clearest]) -> dict[str, np.ndarray]:
        wanted = {chip.id for chip in chosen}
        rows = self._read(CHIPS, ("id", "cell_id", "geotiff"), "id")
        return {row["cell_id"]: shrink(row["geotiff"], self.tile_px) for row in rows if row["id"] in wanted}

    def _vectors(self, chosen: Iterable[Clearest]) -> tuple[Vectors, int]:
        """Of the chosen chips; and how many there are of all chips."""
        kind = VectorKind.of(self.plan).expression()
        digests = {chip.id: chip.content_digest for chip in chosen}
        columns = ("id", "cell_id", "content_digest")
        keys = list(self._read(EMBEDDINGS, columns, "id", kind))
        ids = sorted((row["id"] for row in keys if digests.get(row["id"]) == row["content_digest"]), key=_hash)
        if not ids:
            return Vectors(), len(keys)
        first, found, cells = set(ids[:FIT_ON]), {}, {}
        for row in self._read(EMBEDDINGS, (*columns, "global_embedding"), "id", kind):
            if row["id"] in first and digests[row["id"]] == row["content_digest"]:
                found[row["id"]] = np.array(row["global_embedding"], np.float32)
                cells[row["id"]] = row["cell_id"]
        matrix = np.stack([found[name] for name in ids[:FIT_ON]])
        basis = Basis.fit(matrix)
        sample = ids[:MOST_POINTS]
        if len(ids) <= FIT_ON:
            scores = dict(zip((cells[name] for name in ids), basis.scores(matrix), strict=True))
        else:
            scores = self._scores(basis, digests, kind)
        return Vectors(
            scores=scores,
            basis=basis,
            sample_cells=tuple(cells[name] for name in sample),
            sample=matrix[:MOST_POINTS],
        ), len(keys)

    def _scores(self, basis: Basis, digests: dict[str, str], kind: BooleanExpression) -> dict[str, np.ndarray]:
        columns = ("id", "cell_id", "content_digest", "global_embedding")
        return {
            row["cell_id"]: basis.scores(np.array([row["global_embedding"]], np.float32))[0]
            for row in self._read(EMBEDDINGS, columns, "id", kind)
            if digests.get(row["id"]) == row["content_digest"]
        }

    def _read(
        self, name: str, columns: tuple[str, ...], dated_by: str, also: BooleanExpression | None = None
    ) -> Iterator[dict[str, Any]]:
        """Rows of these cells and months.

        Args:
            name: of the table.
            columns: to be read.
            dated_by: column that ends in the datatake's start.
            also: a further condition.
        """
        from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan

        table = open_table(self.lake, self.plan.database, name)
        if table is None:
            return
        start, end = self.plan.start - MARGIN, self.plan.end + MARGIN
        within: BooleanExpression = And(
            GreaterThanOrEqual("datetime", start.isoformat()), LessThan("datetime", end.isoformat())
        )
        months = [Month.parse(month) for month in self.plan.months]
        wanted = within if also is None else And(within, also)
        for batch in read_batches(table, wanted, columns):
            here = batch.filter(of_months_arrow(batch.column(dated_by), months))
            for row in here.to_pylist():
                if "cell_id" not in row or row["cell_id"] in self.cell_ids:
                    yield row


def _order(row: dict[str, Any]) -> tuple[float, Any, str]:
    return -row["clear_frac"], row["datetime"], row["id"]


def _hash(chip_id: str) -> tuple[int, str]:
    """The order of Spark's ``xxhash64``, which is signed."""
    import xxhash

    value = xxhash.xxh64_intdigest(chip_id.encode(), seed=_SEED)
    return value - (1 << 64) if value >> 63 else value, chip_id
