"""A lake that version 0.1 of the code wrote still works: main is read, an unpublished branch is adopted and published.

`stored/lake_1.zip` holds every object of such a lake and its tables in Glue: July is published (one chip), August has
been extracted and embedded (one chip), and was never published.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from claylake.plan import Plan
from claylake.run.reports import EmbedReport, ExtractReport, PublishReport
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
        "observations": ("fast_forward", 3), "scenes": ("fast_forward", 1),
    }  # fmt: skip
    found = runs.state(spark, july)
    later = runs.rows_of(august, rows.CELLS_3X3[2:3], rows.PASS_AUGUST, rejected=rows.CELLS_3X3[:2])
    assert {table: len(found[table]) for table in found} == {
        table: len(written[table]) + len(later[table]) for table in written
    }
    chips = {row["id"]: row for row in spark.table(f"lake.{july.database}.chips").collect()}
    for chip in (written["chips"][0], later["chips"][0]):
        assert bytes(chips[chip["id"]]["clay_tensor"]) == chip["clay_tensor"]
        assert chips[chip["id"]]["content_digest"] == chip["content_digest"]
