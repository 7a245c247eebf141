"""`docs/tables.md` has every column of every table, with its type, key and partitions."""

import re
from pathlib import Path

import pytest

from spark.lake.tables import TABLES

PARTS = re.split(r"^## (\w+)$", (Path(__file__).parents[3] / "docs/tables.md").read_text(), flags=re.MULTILINE)
SECTIONS = dict(zip(PARTS[1::2], PARTS[2::2], strict=True))


def test_every_table_has_a_section():
    assert list(SECTIONS) == list(TABLES)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_columns_key_and_partitions(table):
    text = SECTIONS[table.name]
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", text, re.MULTILINE)
    listed = [(name, kind.strip()) for names, kind in rows for name in re.findall(r"`(\w+)`", names)]
    assert len(listed) == len(dict(listed))
    assert dict(listed) == dict(table.columns.kinds)
    prose = " ".join(text.split("\n|")[0].split())
    assert f"Key: {', '.join(f'`{name}`' for name in table.key)}. " in prose
    parts = re.findall(r"\w+\([^()]*\)", table.partitioned_by)
    assert f"Partitioned by {' and '.join(f'`{part}`' for part in parts)}." in prose
