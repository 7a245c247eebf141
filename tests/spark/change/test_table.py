"""The table changes: made when a month is published, of clear chips of one kind, once, and of what is published alone."""

from __future__ import annotations

import numpy as np
import pytest

from claylake import store
from claylake.run.reports import PublishReport
from claylake.vocabulary import CHANGES
from spark.change.distance import cosine
from spark.lake import names
from spark.lake.errors import AuditError
from spark.publishing.run import publish_run
from tests.spark.jobs import jobs_of
from tests.spark.lake import rows, runs

pytestmark = pytest.mark.slow
CELLS = rows.CELLS_3X3
MONTHS = {"2024-07": "S2A_20240705T112111", "2024-08": "S2A_20240804T112111", "2024-09": "S2A_20240908T112111"}
BURNT = CELLS[4]


def made_of(plan, month, *, burnt=False, **fractions):
    """Rows of a month: vectors that drift a little, but for the burnt cell's."""
    made = runs.rows_of(plan, CELLS, MONTHS[month])
    for chip, observation, vector in zip(made["chips"], made["observations"], made["embeddings"], strict=True):
        place = np.random.default_rng(CELLS.index(chip["cell_id"])).normal(size=1024)
        drift = np.random.default_rng([CELLS.index(chip["cell_id"]), int(month[-2:])]).normal(size=1024)
        far = 2.0 if burnt and chip["cell_id"] == BURNT else 0.05
        vector["global_embedding"] = (place + far * drift).astype(np.float32).tolist()
        clear = {"clear_frac": 1.0, "cloud_frac": 0.0, "shadow_frac": 0.0} | fractions.get(chip["cell_id"], {})
        for row in (chip, observation):
            row.update(clear)
        vector["clear_frac"] = clear["clear_frac"]
    return made


def published(spark, make_plan, month, **options):
    settings = options.pop("settings", {})
    plan = make_plan(months=(month,), run_id=options.pop("run_id", f"manual__{month}"), change=settings)
    made = made_of(plan, month, **options)
    runs.write(spark, plan, made)
    return plan, made, publish_run(spark, plan)


def changes(spark, plan, month):
    found = spark.table(names.main_table(plan, CHANGES)).where(f"month = '{month}'").collect()
    return {row["cell_id"]: row for row in found}


def head(spark, plan):
    return runs.heads(spark, plan)[CHANGES]


def test_a_burnt_cell_of_two_months_and_all_that_is_done_again(spark, make_plan):
    _, july, report = published(spark, make_plan, "2024-07")
    assert report.changes == {}
    plan, august, report = published(spark, make_plan, "2024-08", burnt=True)
    found = changes(spark, plan, "2024-08")
    assert set(found) == set(CELLS)
    assert report.changes == {"compared": 9}
    assert {row.table: row.rows_added for row in report.tables}[CHANGES] == 9
    assert PublishReport.load(plan) == report
    page = store.read(report.report).decode()
    assert f"{BURNT}: score" in page.partition('id="changes"')[2].partition("<figcaption>")[2][:60], (
        "the strongest is the first one shown"
    )
    assert page.count('in 2024-07" width') == page.count('in 2024-08" width') == 6
    assert max(found, key=lambda cell: found[cell]["score"]) == BURNT
    assert found[BURNT]["score"] > 4
    before, after = (
        {row["cell_id"]: np.array([row["global_embedding"]], np.float32) for row in made["embeddings"]}
        for made in (july, august)
    )
    for chip in august["chips"]:
        row = found[chip["cell_id"]]
        assert (row["id"], row["baseline_id"]) == (chip["id"], f"{chip['cell_id']}_{MONTHS['2024-07']}")
        assert (row["baseline_month"], row["baseline_kind"], row["history_months"]) == ("2024-07", "previous", 0)
        assert row["distance"] == pytest.approx(cosine(after[row["cell_id"]], before[row["cell_id"]])[0], rel=1e-5)
        assert (row["model_version"], row["convention"], row["run_id"]) == (
            plan.model_version,
            "tutorial",
            plan.run.run_id,
        )
        assert row["geometry"] is not None

    snapshot = head(spark, plan)
    assert publish_run(spark, plan).rows_added == 0
    assert head(spark, plan) == snapshot, "the same rows are not written twice"


@pytest.mark.beside
def test_a_month_published_without_changes_gets_them_when_they_are_switched_on(spark, make_plan):
    plan, *_ = published(spark, make_plan, "2024-08")
    published(spark, make_plan, "2024-09", settings={"detect": False})
    assert changes(spark, plan, "2024-09") == {}
    again = make_plan(months=("2024-09",), run_id="manual__again")
    runs.save_reports(again, ["chip"] * len(CELLS))
    assert publish_run(spark, again).changes == {"compared": 9}
    found = changes(spark, plan, "2024-09")
    assert {row["baseline_month"] for row in found.values()} == {"2024-08"}


@pytest.mark.beside
def test_cloud_and_snow_are_left_out_with_a_reason_and_an_older_month_stands_in(spark, make_plan):
    published(spark, make_plan, "2024-07")
    cloudy = {CELLS[0]: {"clear_frac": 0.8, "cloud_frac": 0.2}, CELLS[1]: {"snow_frac": 0.6}}
    plan, _, report = published(spark, make_plan, "2024-08", **cloudy)
    assert report.changes == {"compared": 7, "cloud": 1, "snow": 1}
    assert set(changes(spark, plan, "2024-08")) == set(CELLS[2:])
    _, _, report = published(spark, make_plan, "2024-09")
    baselines = {cell: row["baseline_month"] for cell, row in changes(spark, plan, "2024-09").items()}
    assert baselines == {cell: "2024-07" if cell in cloudy else "2024-08" for cell in CELLS}


@pytest.mark.beside
def test_other_kinds_of_vectors_are_never_compared_and_no_earlier_month_costs_no_job(spark, make_plan):
    from spark.change.run import write_changes
    from spark.lake import branches
    from spark.lake.opening import open_branches
    from spark.lake.scope import Scope

    plan, *_ = published(spark, make_plan, "2024-08")
    open_branches(spark, plan)
    heads = branches.heads(spark, plan)
    scope = Scope.of(plan)
    assert jobs_of(spark, lambda: write_changes(spark, scope, heads)) == 0
    other = make_plan(months=("2024-09",), run_id="other", model_version="clay-v1.5+0123456789ab")
    runs.write(spark, other, made_of(other, "2024-09"))
    assert publish_run(spark, other).changes == {"no_earlier_month": 9}
    assert changes(spark, plan, "2024-09") == {}


def test_what_is_wrong_is_not_published(spark, make_plan, monkeypatch):
    published(spark, make_plan, "2024-07")
    monkeypatch.setattr("spark.change.rows.Judge.judge", _backwards)
    with pytest.raises(AuditError, match="change_baseline_is_earlier"):
        published(spark, make_plan, "2024-08")
    plan = make_plan()
    assert spark.table(names.main_table(plan, CHANGES)).count() == 0


def _backwards(self, month, compared):
    for row in compared:
        yield {**row, "baseline_month": "2031-01", "baseline_kind": "previous", "score": 0.0, "history_months": 0}
