"""Arrow schemas of Spark's DDL strings, for `mapInArrow`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMN = re.compile(r"`?(\w+)`?\s+([\w<>]+)")


def schema_of(ddl: str) -> pa.Schema:
    """The Arrow schema of columns such as ``id string, datetime timestamp``.

    Raises:
        KeyError: for a type not used by the project's flat rows.
    """
    import pyarrow as pa

    kinds = {
        "string": pa.string(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "binary": pa.binary(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in _COLUMN.findall(ddl)])
