"""What had a chip whose pixels have ended counts as existing: nothing reads it again, and verify does not miss it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claylake.vocabulary import BANDS_10M
from spark.extraction.run import extract
from spark.lake import branches, months, names
from tests.spark.extract.conftest import PlanMaker
from tests.spark.extract.test_job import PASS_A, PASS_B, bbox, cloudy, rows, scene
from tests.spark.extract.test_verify import publish, verify
from tests.spark.lake import rows as any_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.slow


def test_ended_chips_exist_and_are_not_read_again(spark: SparkSession, make_plan: PlanMaker, tmp_path: Path) -> None:
    clear, cloud = scene(tmp_path, PASS_A), scene(tmp_path, PASS_B, paint_with=cloudy)
    plan = make_plan(bbox(), [clear, cloud])
    assert extract(spark, plan).chips == 15
    publish(spark, plan)
    branches.drop(spark, plan)
    observed = rows_of_main(spark, plan)
    keeping = plan.settings.maintenance.model_copy(update={"chips_keep_months": 1})
    limited = plan.model_copy(update={"settings": plan.settings.model_copy(update={"maintenance": keeping})})
    assert months.end_old(spark, limited, datetime(2020, 4, 15, tzinfo=UTC)) == 15

    for key in BANDS_10M:
        Path(clear.assets[key].href).unlink()
        Path(cloud.assets[key].href).unlink()
    later = make_plan(bbox(), [clear, cloud], run_id="manual__2", max_nodata_frac=0.06)
    report = extract(spark, later)
    assert (report.candidates, report.chips, report.present, report.failed) == (18, 0, 15, {})
    assert report.rejected == {"cloud": 3}
    assert rows(spark, later, "chips") == []
    known = {(row["cell_id"], row["pass"]): row for row in rows(spark, later, "observations")}
    for row in observed:
        assert known[row["cell_id"], row["pass"]] == row

    # One chip that is kept: of the others verify misses none.
    march = any_rows.chip(any_rows.CELLS_3X3[0], "S2A_20200320T112111", radiometry="minus_999")
    any_rows.frame(spark, "chips", [march]).writeTo(names.main_table(plan, "chips")).append()
    _, said = verify(plan)
    assert not [line for line in said if ": missing: " in line]
    table = names.main_table(plan, "chips")
    spark.sql(f"ALTER TABLE {table} UNSET TBLPROPERTIES ('claylake.chips-kept-from')")
    _, said = verify(plan)
    assert len([line for line in said if ": missing: " in line]) == 15


def rows_of_main(spark: SparkSession, plan: object) -> list[dict[str, object]]:
    """Observations of main."""
    table = names.main_table(plan, "observations")  # type: ignore[arg-type]
    return [row.asDict() for row in spark.table(table).where("outcome = 'chip'").collect()]
