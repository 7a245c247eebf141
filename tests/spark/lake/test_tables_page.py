"""docs/tables.md has the columns of the tables, in their order and with their types, keys and partitions."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from claylake.vocabulary import BANDS
from spark.lake.tables import TABLES

PAGE = (Path(__file__).resolve().parents[3] / "docs/tables.md").read_text()
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_columns_keys_and_partitions(table):
    section = " ".join(SECTIONS[table.name].split())
    columns = re.findall(r"^\| `(\w+)` \| (\S+) \|", SECTIONS[table.name], re.MULTILINE)
    assert [(name, html.unescape(kind)) for name, kind in columns] == list(table.columns.kinds.items())
    assert f"Key `{', '.join(table.key)}`" in section
    assert f"partitions `{table.partitioned_by}`" in section


def test_every_table_and_the_order_of_bands():
    assert list(SECTIONS) == list(TABLES)
    assert ", ".join(f"`{band}`" for band in BANDS) in " ".join(PAGE.split())
