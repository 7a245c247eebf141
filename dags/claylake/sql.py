"""Text, instants and names as Spark SQL writes them: the one place that quotes.

Source: Spark's SQL reference, "Literals" and "Identifiers"; `spark.sql.parser.escapedStringLiterals` is at its default,
false, and `spark.sql.variable.substitute` at its default, true.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_VARIABLE = "${"
"""Spark puts settings in place of ``${name}`` before it parses, within literals and names, too."""
NOTHING = "false"
"""The condition that no row meets."""


def string(text: str) -> str:
    """A string literal, whatever the text holds."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace(_VARIABLE, "$\\{")
    return f"'{escaped}'"


def timestamp(moment: datetime) -> str:
    """A timestamp literal to the microsecond, in UTC.

    Raises:
        ValueError: if `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: tables hold instants")
    return f"TIMESTAMP '{moment.astimezone(UTC).isoformat(sep=' ', timespec='microseconds')}'"


def name(text: str) -> str:
    """One part of a name (of a column, view, table or branch) in backquotes.

    Raises:
        ValueError: for what Spark cannot take for a name: nothing, and what it would take for a variable.
    """
    if not text or _VARIABLE in text:
        raise ValueError(f"{text!r} cannot be a name in Spark SQL: names are not empty and hold no {_VARIABLE}")
    return "`" + text.replace("`", "``") + "`"


def names(texts: Iterable[str], alias: str = "") -> str:
    """Names with commas between them, each a column of `alias` where one is given."""
    return ", ".join(f"{alias}.{name(text)}" if alias else name(text) for text in texts)


def is_in(value: str, texts: Iterable[str]) -> str:
    """The condition that `value`, an SQL expression, is one of these texts; no row meets it where there are none."""
    known = ", ".join(map(string, texts))
    return f"{value} IN ({known})" if known else NOTHING


def is_among(value: str, texts: Iterable[str], most: int = 200) -> str:
    """The same as `is_in`, for many texts, as several lists of at most `most`.

    Iceberg leaves out no file and no row group by a list of more than 200 values
    (`InclusiveMetricsEvaluator`, `ParquetMetricsRowGroupFilter`).

    Args:
        value: an SQL expression.
        texts: in order, so that each list spans little.
        most: texts of a list.
    """
    known = list(texts)
    lists = (known[start : start + most] for start in range(0, len(known), most))
    return " OR ".join(is_in(value, some) for some in lists) or NOTHING
