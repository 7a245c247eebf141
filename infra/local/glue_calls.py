"""The Glue API: moto's, with the table optimizers that it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.responses import ActionResult, EmptyResult
from moto.glue import urls
from moto.glue.exceptions import AlreadyExistsException, EntityNotFoundException
from moto.glue.responses import GlueResponse

from infra.local.optimizer_book import OptimizerBook, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGE = 10


class LocalGlue(GlueResponse):  # type: ignore[misc]  # moto comes without types
    """Answers Glue calls; `book` is set by `install`."""

    book: ClassVar[OptimizerBook]

    def create_table_optimizer(self) -> ActionResult:
        """CreateTableOptimizer, of a table that is there."""
        asked = self.parameters
        self.glue_backend.get_table(asked["DatabaseName"], asked["TableName"])
        if not self.book.create(_place(asked), asked["TableOptimizerConfiguration"]):
            raise AlreadyExistsException(f"Table optimizer {asked['Type']}")
        return EmptyResult()

    def get_table_optimizer(self) -> ActionResult:
        """GetTableOptimizer."""
        asked = self.parameters
        found = self.book.describe(_place(asked))
        if found is None:
            raise _not_found(asked["Type"], asked["TableName"])
        return ActionResult({**_where(asked), "TableOptimizer": found})

    def batch_get_table_optimizer(self) -> ActionResult:
        """BatchGetTableOptimizer: those that are there, and a failure for each that is not."""
        found, failures = [], []
        for entry in self.parameters["Entries"]:
            place = Place(database=entry["databaseName"], table=entry["tableName"], kind=entry["type"])
            told = self.book.describe(place)
            if told is None:
                error = _not_found(place.kind, place.table)
                problem = {"ErrorCode": error.error_type, "ErrorMessage": error.message}
                failures.append({**entry, "error": problem})
            else:
                where = {name: value for name, value in entry.items() if name != "type"}
                found.append({**where, "tableOptimizer": told})
        return ActionResult({"TableOptimizers": found, "Failures": failures})

    def list_table_optimizer_runs(self) -> ActionResult:
        """ListTableOptimizerRuns, in pages."""
        asked = self.parameters
        runs = self.book.runs(_place(asked))
        if runs is None:
            raise _not_found(asked["Type"], asked["TableName"])
        start = int(asked.get("NextToken") or 0)
        end = start + int(asked.get("MaxResults") or _PAGE)
        more = {"NextToken": str(end)} if end < len(runs) else {}
        return ActionResult({**_where(asked), "TableOptimizerRuns": runs[start:end], **more})


def install(book: OptimizerBook) -> None:
    """Route moto's Glue endpoint here; it must happen before the server gets its first Glue call."""
    LocalGlue.book = book
    urls.url_paths["{0}/$"] = LocalGlue.dispatch


def _place(asked: Mapping[str, Any]) -> Place:
    return Place(database=asked["DatabaseName"], table=asked["TableName"], kind=asked["Type"])


def _where(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asked[name] for name in ("CatalogId", "DatabaseName", "TableName")}


def _not_found(kind: str, table: str) -> EntityNotFoundException:
    return EntityNotFoundException(f"Table optimizer {kind} of table {table} not found.")
