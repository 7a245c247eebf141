"""A lake that version 0.1 of the code wrote still works: main is read, an unpublished branch is adopted and published.

`stored/lake_1.zip` holds every object of such a lake and its tables in Glue. Version 0.1.0 wrote it: the rows of
`tests/spark/lake/runs.py` for two months with one chip each, July published, August not.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from claylake.plan import Plan
from claylake.run.reports import EmbedReport, ExtractReport, PublishReport
from claylake.vocabulary import CHANGES, PUBLISH_ORDER
from spark.lake import names
from spark.lake.layout import ONCE_BY_YEARS, ONCE_OF_ONE_SCENE, SECOND_SCENE
from spark.lake.refs import load
from spark.lake.scope import read_cells_table
from spark.lake.tables import TABLES
from spark.publishing.run import publish_run
from tests.spark.conftest import LAKE
from tests.spark.lake import rows, runs

STORED = Path(__file__).parent / "stored/lake_1.zip"
RUNS = f"{LAKE}/runs/stored_1__demo"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stored(stack):
    import boto3

    s3, glue = boto3.client("s3"), boto3.client("glue")
    with zipfile.ZipFile(STORED) as archive:
        for name in archive.namelist():
            if name != "glue.json":
                s3.put_object(Bucket=LAKE.removeprefix("s3://"), Key=name, Body=archive.read(name))
        catalogue = json.loads(archive.read("glue.json"))
    glue.create_database(DatabaseInput=catalogue["database"])
    for table in catalogue["tables"]:
        glue.create_table(DatabaseName="stored_1", TableInput=table)
    return {month: Plan.load(f"{RUNS}/{month}/{run}/plan.json") for month, run in
            (("2024-07", "manual__1"), ("2024-08", "manual__2"))}  # fmt: skip


def test_reports_of_before_are_read(stored):
    for plan in stored.values():
        assert ExtractReport.load(plan).candidates == 3
        assert EmbedReport.load(plan).vectors == 1
    assert PublishReport.load(stored["2024-07"]).month_chips == 1


def test_its_branch_is_published_and_its_rows_are_those_written(spark, stored):
    july, august = stored["2024-07"], stored["2024-08"]
    written = runs.rows_of(july, rows.CELLS_3X3[:1], rejected=rows.CELLS_3X3[1:3])
    report = publish_run(spark, august)
    assert {table.table: (table.how, table.rows_added) for table in report.tables} == {
        "chips": ("fast_forward", 1), "embeddings": ("fast_forward", 1),
        "observations": ("fast_forward", 3), "changes": ("unchanged", 0), "scenes": ("fast_forward", 1),
    }  # fmt: skip
    later = runs.rows_of(august, rows.CELLS_3X3[2:3], rows.PASS_AUGUST, rejected=rows.CELLS_3X3[:2])
    cells = {row["cell_id"]: row for plan in (july, august) for row in read_cells_table(plan).to_pylist()}
    for table in PUBLISH_ORDER:
        columns = TABLES[table].columns.names
        expected = [as_stored(row, cells) for row in written[table] + later[table]]
        found = spark.table(names.main_table(july, table))
        assert runs.values(found, columns) == runs.values(rows.frame(spark, table, expected), columns)
        specs = load(spark, names.main_table(july, table)).specs().size()
        assert specs == (2 if table in ONCE_BY_YEARS else 1), "by years before, by months from now on"


def as_stored(row, cells):
    """A row with the outline of its cell as it is stored: PROJ's last digits differ between processors."""
    if "geometry" not in row:
        return row
    outline = {name: cells[row["cell_id"]][name] for name in ("xmin", "ymin", "xmax", "ymax", "geometry")}
    bounds = ("xmin", "ymin", "xmax", "ymax")
    assert [row[name] for name in bounds] == pytest.approx([outline[name] for name in bounds], abs=1e-9)
    return row | outline


def type_of(field):
    """Spark's name of an Iceberg type."""
    if isinstance(field, str):
        return {"timestamptz": "timestamp", "long": "bigint"}.get(field, field)
    if field["type"] == "list":
        return f"array<{type_of(field['element'])}>"
    return f"map<{type_of(field['key'])},{type_of(field['value'])}>"


def transform_of(transform, column):
    """A transform of Iceberg's as SQL has it."""
    name, _, width = transform.rstrip("]").partition("[")
    return f"{name}({width}, {column})" if width else f"{name}s({column})"


@pytest.mark.parametrize(
    "table", [table for table in TABLES.values() if table.name != CHANGES], ids=lambda table: table.name
)
def test_its_schema_partitions_and_order_are_those_of_today_or_evolve(table):
    with zipfile.ZipFile(STORED) as archive:
        folder = f"tables/stored_1.db/{table.name}/metadata/"
        (name,) = (name for name in archive.namelist() if name.startswith(folder) and name.endswith(".metadata.json"))
        metadata = json.loads(archive.read(name))

    def current(many, key, number):
        return next(one["fields"] for one in metadata[many] if one[key] == metadata[number])

    fields = current("schemas", "schema-id", "current-schema-id")
    columns = table.columns.without(*([SECOND_SCENE] if table.name in ONCE_OF_ONE_SCENE else []))
    assert [(field["name"], type_of(field["type"])) for field in fields] == list(columns.kinds.items())
    assert not any(field["required"] for field in fields)
    column = {field["id"]: field["name"] for field in fields}
    parts = current("partition-specs", "spec-id", "default-spec-id")
    by = [transform_of(part["transform"], column[part["source-id"]]) for part in parts]
    months = [part.replace("years", "months") if table.name in ONCE_BY_YEARS else part for part in by]
    assert ", ".join(months) == table.partitioned_by
    assert (months != by) == (table.name in ONCE_BY_YEARS)
    order = current("sort-orders", "order-id", "default-sort-order-id")
    assert {(part["transform"], part["direction"]) for part in order} == {("identity", "asc")}
    assert ", ".join(column[part["source-id"]] for part in order) == table.ordered_by
