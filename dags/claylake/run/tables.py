"""The lake's Iceberg tables as pyiceberg sees them: the catalog, tables, rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from claylake import store
from claylake.configuration.local import Local
from claylake.errors import StoreError
from claylake.vocabulary import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from claylake.configuration.settings import Deployed

ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL"
_FILES: Final = {"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO"}


def catalog(where: Deployed | Local) -> Catalog:
    """The Glue catalog, or that of a lake in a folder.

    Credentials and, for the stand-in, the endpoint of AWS come from the environment.

    Raises:
        StoreError: if it cannot be loaded.
    """
    from pyiceberg.catalog import load_catalog

    kind, properties = _in_folder(where) if isinstance(where, Local) else _of_glue(where)
    try:
        return load_catalog(CATALOG, type=kind, **_FILES, **properties)
    except (ImportError, ValueError) as error:
        msg = f"the {kind} catalog cannot be loaded: {error}; is pyiceberg installed with its extra for it?"
        raise StoreError(msg) from error


def _of_glue(deployed: Deployed) -> tuple[str, dict[str, str]]:
    endpoint = os.environ.get(ENDPOINT_VARIABLE)
    return "glue", {
        "glue.region": deployed.region,
        "s3.region": deployed.region,
        **({"glue.endpoint": endpoint, "s3.endpoint": endpoint} if endpoint else {}),
    }


def _in_folder(local: Local) -> tuple[str, dict[str, str]]:
    return "sql", {"uri": local.catalogue_uri, "warehouse": store.join(local.lake, "tables")}


def open_table(lake: Catalog, database: str, name: str) -> Table | None:
    """The table, or None where it does not exist yet.

    Args:
        lake: the Glue catalog.
        database: of the lake's tables.
        name: of the table, without the database.

    Raises:
        StoreError: if it is there but cannot be opened.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

    try:
        return lake.load_table((database, name))
    except (NoSuchTableError, NoSuchNamespaceError):
        return None
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        msg = f"table {database}.{name} cannot be opened: {error}"
        raise StoreError(msg) from error


def read_rows(table: Table, condition: Any, columns: tuple[str, ...], limit: int | None = None) -> pa.Table:
    """`columns` of the rows of main that meet `condition`.

    Args:
        table: an open one.
        condition: a pyiceberg expression.
        columns: names of the columns to read.
        limit: the most rows to read; None for all.

    Raises:
        StoreError: if the files cannot be read, or lack a column.
    """
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    scan = table.scan(row_filter=condition, selected_fields=columns, limit=limit)
    try:
        # A scan without files has the schema's large strings, one with files has those of the files.
        return scan.to_arrow().cast(schema_to_pyarrow(scan.projection(), include_field_ids=False))
    except (OSError, ValueError) as error:
        msg = f"table {'.'.join(table.name())} cannot be read: {error}"
        raise StoreError(msg) from error


def read_batches(table: Table, condition: Any, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """The same some rows at a time; no batch is empty. A slow reader may hold much of the scan: pyiceberg reads ahead.

    Args:
        table: an open one.
        condition: a pyiceberg expression.
        columns: names of the columns to read.

    Raises:
        StoreError: if the files cannot be read, or lack a column.
    """
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    scan = table.scan(row_filter=condition, selected_fields=columns)
    try:
        schema = schema_to_pyarrow(scan.projection(), include_field_ids=False)
        for batch in scan.to_arrow_batch_reader():
            if batch.num_rows:
                yield batch.cast(schema)
    except (OSError, ValueError) as error:
        msg = f"table {'.'.join(table.name())} cannot be read: {error}"
        raise StoreError(msg) from error
