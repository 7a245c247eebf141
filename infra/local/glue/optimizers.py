"""Glue's table optimizers: kept, and never run; tests say how their runs went."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("database", "table", "type")


class OptimizerError(Exception):
    """A run that no table optimizer of Glue's can have had."""


@dataclass(frozen=True, kw_only=True, order=True)
class OptimizerKey:
    """Which optimizer: the table's database and name, and the kind of optimizer."""

    database: str
    table: str
    kind: str


@dataclass(kw_only=True)
class _Optimizer:
    configuration: dict[str, Any]
    runs: list[dict[str, Any]] = field(default_factory=list)


class Optimizers:
    """The optimizers and their runs, newest first; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[OptimizerKey, _Optimizer] = {}

    def create(self, key: OptimizerKey, configuration: Mapping[str, Any]) -> bool:
        """Keep an optimizer; False where there is one."""
        with self._lock:
            if key in self._kept:
                return False
            self._kept[key] = _Optimizer(configuration=dict(configuration))
            return True

    def describe(self, key: OptimizerKey) -> dict[str, Any] | None:
        """A `TableOptimizer` as Glue reports it; None where there is none."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            described = {"type": key.kind, "configuration": found.configuration, "configurationSource": "table"}
            return described | ({"lastRun": found.runs[0]} if found.runs else {})

    def runs(self, key: OptimizerKey) -> list[dict[str, Any]] | None:
        """Its runs, newest first; None where there is no optimizer."""
        with self._lock:
            found = self._kept.get(key)
            return None if found is None else list(found.runs)

    def ran(self, document: Mapping[str, Any]) -> None:
        """Add a run, newest from now on: `{"database", "table", "type", "run": <TableOptimizerRun>}`.

        Raises:
            OptimizerError: Something is missing, there is no such optimizer, or Glue knows no such run.
        """
        if set(document) != {*_NAMES, "run"}:
            raise OptimizerError(f"a run has the keys {', '.join(_NAMES)} and run; got {', '.join(sorted(document))}")
        database, table, kind = (str(document[name]) for name in _NAMES)
        _check(document["run"])
        with self._lock:
            found = self._kept.get(OptimizerKey(database=database, table=table, kind=kind))
            if found is None:
                raise OptimizerError(f"no {kind} optimizer of {database}.{table}: create it first")
            found.runs.insert(0, dict(document["run"]))

    def report(self) -> list[dict[str, Any]]:
        """All optimizers, in order."""
        with self._lock:
            return [
                {"database": key.database, "table": key.table, "type": key.kind, "runs": len(kept.runs)}
                for key, kept in sorted(self._kept.items())
            ]


def _check(run: Any) -> None:
    """Against botocore's model of Glue: names of keys, and types of values."""
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("glue")
    shape = model.shape_for("TableOptimizerRun")
    problems = ParamValidator().validate(run, shape)
    states = model.shape_for("TableOptimizerEventType").enum
    if problems.has_errors() or run.get("eventType", states[0]) not in states:
        problem = problems.generate_report() or f"eventType is one of {', '.join(states)}"
        raise OptimizerError(f"Glue knows no such run: {problem}")
