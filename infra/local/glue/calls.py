"""The Glue API: moto's, with the table optimizers that it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.responses import ActionResult, EmptyResult
from moto.glue import urls
from moto.glue.exceptions import AlreadyExistsException, EntityNotFoundException
from moto.glue.responses import GlueResponse

from infra.local.glue.optimizers import OptimizerKey, Optimizers

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGE = 10


class LocalGlue(GlueResponse):  # type: ignore[misc]  # moto comes without types
    """Answers Glue calls; `install` sets `optimizers`."""

    optimizers: ClassVar[Optimizers]

    def create_table_optimizer(self) -> ActionResult:
        """CreateTableOptimizer, of an existing table."""
        request = self.parameters
        self.glue_backend.get_table(request["DatabaseName"], request["TableName"])
        if not self.optimizers.create(_key(request), request["TableOptimizerConfiguration"]):
            raise AlreadyExistsException(f"Table optimizer {request['Type']}")
        return EmptyResult()

    def get_table_optimizer(self) -> ActionResult:
        """GetTableOptimizer."""
        request = self.parameters
        found = self.optimizers.describe(_key(request))
        if found is None:
            raise _not_found(request["Type"], request["TableName"])
        return ActionResult({**_table_of(request), "TableOptimizer": found})

    def batch_get_table_optimizer(self) -> ActionResult:
        """BatchGetTableOptimizer: those that exist, and a failure for each that does not."""
        found, failures = [], []
        for entry in self.parameters["Entries"]:
            key = OptimizerKey(database=entry["databaseName"], table=entry["tableName"], kind=entry["type"])
            optimizer = self.optimizers.describe(key)
            if optimizer is None:
                error = _not_found(key.kind, key.table)
                problem = {"ErrorCode": error.error_type, "ErrorMessage": error.message}
                failures.append({**entry, "error": problem})
            else:
                table = {name: value for name, value in entry.items() if name != "type"}
                found.append({**table, "tableOptimizer": optimizer})
        return ActionResult({"TableOptimizers": found, "Failures": failures})

    def list_table_optimizer_runs(self) -> ActionResult:
        """ListTableOptimizerRuns, in pages."""
        request = self.parameters
        runs = self.optimizers.runs(_key(request))
        if runs is None:
            raise _not_found(request["Type"], request["TableName"])
        start = int(request.get("NextToken") or 0)
        end = start + int(request.get("MaxResults") or _PAGE)
        more = {"NextToken": str(end)} if end < len(runs) else {}
        return ActionResult({**_table_of(request), "TableOptimizerRuns": runs[start:end], **more})


def install(optimizers: Optimizers) -> None:
    """Route moto's Glue endpoint to `LocalGlue`; it must happen before the server gets its first Glue call."""
    LocalGlue.optimizers = optimizers
    urls.url_paths["{0}/$"] = LocalGlue.dispatch


def _key(request: Mapping[str, Any]) -> OptimizerKey:
    return OptimizerKey(database=request["DatabaseName"], table=request["TableName"], kind=request["Type"])


def _table_of(request: Mapping[str, Any]) -> dict[str, Any]:
    return {name: request[name] for name in ("CatalogId", "DatabaseName", "TableName")}


def _not_found(kind: str, table: str) -> EntityNotFoundException:
    return EntityNotFoundException(f"Table optimizer {kind} of table {table} not found.")
