from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from claylake.month import Month
from claylake.pass_month import of_months_arrow, of_months_sql, pass_month, pass_start

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EDGES = [Month(year, number).start for year, number in ((2015, 7), (2024, 2), (2024, 3), (2024, 12), (2025, 1))]
STARTS = [edge + timedelta(seconds=step) for edge in EDGES for step in (-1, 0, 1)]
IDS = [
    f"{prefix}{platform}_{start:%Y%m%dT%H%M%S}"
    for start in STARTS
    for platform in ("S2A", "S2C")
    for prefix in ("", "32629_156_1342_", "32760_-1_-7_")
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "months",
    [(Month(2024, 2),), (Month(2024, 12), Month(2025, 1)), (Month(2015, 6),), (Month(2023, 1),)],
    ids=lambda months: "/".join(map(str, months)),
)
def test_python_arrow_and_sql_agree_at_the_edges_of_months(spark: SparkSession, months: tuple[Month, ...]) -> None:
    python = [pass_month(name) in months for name in IDS]
    assert python == [any(month.start <= pass_start(name) < month.end for month in months) for name in IDS]
    for kind in (pa.string(), pa.large_string()):
        assert of_months_arrow(pa.chunked_array([pa.array(IDS, kind)]), months).to_pylist() == python
    rows = spark.createDataFrame([(name,) for name in IDS], "id string")
    found = {row["id"] for row in rows.where(of_months_sql("id", months)).collect()}
    assert found == {name for name, wanted in zip(IDS, python, strict=True) if wanted}


def test_the_start_is_read_from_passes_and_chips() -> None:
    start = datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
    for name in ("S2A_20240229T235959", "32629_156_1342_S2A_20240229T235959"):
        assert pass_start(name) == start
        assert str(pass_month(name)) == "2024-02"


@pytest.mark.parametrize(
    "name", ["", "S2A", "S2A_", "S2A_20240229", "S2A_2024022T235959", "S2A_20240230T000000", "S2A_20240229T235959Z"]
)
def test_an_id_without_a_start_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"datatake's start|out of range|does not match|day is"):
        pass_start(name)
