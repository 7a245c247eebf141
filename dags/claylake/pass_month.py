"""The month that a pass belongs to: that of its datatake's start (UTC), whatever the datetimes of its items say.

The start ends the ids of passes (``S2A_20200219T112111``) and of their chips (``32629_156_1342_S2A_20200219T112111``)
alike. One rule, in the forms that Python, Arrow and SQL need; a test holds them together.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from claylake import sql
from claylake.month import Month

if TYPE_CHECKING:
    from collections.abc import Iterable


MARGIN: Final = timedelta(hours=1)
"""How far the datetime of an item, or of a row, may lie outside its pass's month.

Items are dated by their tile, up to minutes after the datatake's start; tiles and reprocessings of a pass differ by as
much. A day would make a month read the files of three.
"""
_START: Final = re.compile(r"\d{8}T\d{6}")
_LENGTH: Final = len("yyyymmddThhmmss")
_MONTH: Final = len("yyyymm")


def pass_start(pass_id: str) -> datetime:
    """Start of the datatake, UTC, of the id of a pass or chip; a leap second counts as the second before it.

    Raises:
        ValueError: if the id does not end in one.
    """
    start = pass_id.rpartition("_")[2]
    if not _START.fullmatch(start):
        raise ValueError(f"{pass_id!r} does not end in a datatake's start: expected ..._yyyymmddThhmmss")
    start = f"{start[:-2]}59" if start.endswith("60") else start
    return datetime.strptime(start, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def pass_month(pass_id: str) -> Month:
    """Month of a pass, of its id or a chip's.

    Raises:
        ValueError: if the id does not end in a datatake's start.
    """
    return Month.of(pass_start(pass_id))


def of_months_arrow(ids: Any, months: Iterable[Month]) -> Any:
    """Which `ids` (an Arrow column of strings) are of passes of `months`: booleans."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.utf8_slice_codeunits(ids, start=-_LENGTH, stop=_MONTH - _LENGTH)
    return pc.is_in(found, value_set=pa.array(_digits(months), found.type))


def of_months_sql(column: str, months: Iterable[Month]) -> str:
    """Spark SQL condition: `column` holds ids of passes of `months`."""
    return sql.is_in(f"substring({column}, {-_LENGTH}, {_MONTH})", _digits(months))


def _digits(months: Iterable[Month]) -> list[str]:
    return [str(month).replace("-", "") for month in months]
