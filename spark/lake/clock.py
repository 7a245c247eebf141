"""When a part of maintenance last ran on a table: a property of the table, so that all runs on the lake share it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from spark.lake.branches import SWAPS, commits
from spark.lake.refs import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from pyspark.sql import SparkSession

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a part did: to how many files, and whether nothing of it is left to a later run."""

    files: int
    whole: bool = True


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A part of a table's maintenance that is due once in a while.

    Attributes:
        name: of the property that holds the time when it last ran.
        every: how long it then rests.
    """

    name: str
    every: timedelta

    def due(self, properties: Mapping[str, str], now: datetime) -> datetime | None:
        """When the part is due; None if it is by now.

        It is where it never ran, and where its last time cannot be read or lies ahead: a wrong clock of one machine
        puts nothing off.

        Args:
            properties: of the table.
            now: UTC-aware.
        """
        last = self._last(properties)
        if last is None or last > now or now >= last + self.every:
            return None
        return last + self.every

    def ran(self, spark: SparkSession, table: str, now: datetime) -> None:
        """Note that the part has run: to be called after its success only. One commit of metadata.

        Where other writers commit first each time, nothing is noted: then the part is due again at the next run.

        Args:
            spark: session.
            table: full name (``catalog.database.table``).
            now: UTC-aware.
        """
        text = now.astimezone(UTC).isoformat(timespec="seconds")
        for _ in range(SWAPS):
            if commits(load(spark, table).updateProperties().set(self.name, text)):
                return
        _log.warning("%s of %s could not be noted: it is due again at the next run", self.name, table)

    def _last(self, properties: Mapping[str, str]) -> datetime | None:
        text = properties.get(self.name)
        try:
            return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            _log.warning("the table's property %s is %r, which is no time: the part counts as due", self.name, text)
            return None
