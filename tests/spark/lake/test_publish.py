"""Publishing: audited, whole, once, whoever else publishes and whatever is killed."""

from __future__ import annotations

import pytest

from claylake import store
from claylake.run.reports import PublishReport
from claylake.vocabulary import PUBLISH_ORDER
from spark.embedding.pending import without_vector
from spark.lake import branches, names, publish
from spark.lake.errors import PublishRaceError, TooManyFailuresError
from spark.lake.opening import open_branches
from spark.lake.scope import Scope
from spark.publishing import run
from spark.publishing.run import publish_run
from tests.spark.conftest import LAKE
from tests.spark.lake import rows, runs
from tests.spark.lake.scans import files_read
from tests.spark.report.pages import Page

CELLS = rows.CELLS_3X3
FAR = "32629_190_1342"
"""A cell of another partition."""
WRITTEN = {how: dict.fromkeys(PUBLISH_ORDER, how) | {"changes": "unchanged"} for how in ("fast_forward", "rebuilt")}
"""What becomes of each table: a month without an earlier one has no changes."""
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(publish, "PAUSE_S", 0.0)


def ids(spark, plan, table="chips"):
    return sorted(row["id"] for row in spark.table(names.main_table(plan, table)).select("id").collect())


def test_a_first_run_is_published_and_a_second_time_nothing_happens(spark, make_plan):
    plan = make_plan()
    runs.write(spark, plan, runs.rows_of(plan, CELLS[:5], rejected=CELLS[5:]))
    report = publish_run(spark, plan)
    assert {table.table: table.how for table in report.tables} == WRITTEN["fast_forward"]
    assert {table.table: table.rows_added for table in report.tables} == {
        "chips": 5, "embeddings": 5, "observations": 9, "changes": 0, "scenes": 1,
    }  # fmt: skip
    assert report.rows_added == 20
    assert (report.month_chips, report.month_vectors) == (5, 5)
    assert report.area_km2 == pytest.approx(5 * 2.56**2)
    assert not any(report.audits.values())
    assert PublishReport.load(plan) == report
    assert all(set(refs) == {"main"} for refs in runs.heads(spark, plan).values())
    page = store.read(report.report).decode()
    facts = Page(page).facts
    assert facts["counts"]["chips"] == facts["counts"]["vectors"] == facts["outcomes"]["chip"] == 5
    assert facts["outcomes"]["rejected:too_cloudy"] == facts["counts"]["rejected"] == 4
    assert facts["passes"][0]["outcomes"] == facts["outcomes"]
    for name in ("true-colour.png", "embeddings.png"):
        assert store.read(plan.uri(f"report/{name}")).startswith(b"\x89PNG")
    assert "demo model is random" in page

    before = runs.heads(spark, plan)
    again = publish_run(spark, plan)
    assert runs.heads(spark, plan) == before
    assert again.rows_added == 0
    assert {table.how for table in again.tables} == {"unchanged"}
    assert "nothing to publish" in again.message


@pytest.mark.beside
def test_what_main_holds_of_other_months_and_places_costs_no_file(spark, make_plan):
    """Files read for missing vectors, audits and publication of the same rows, in a lake that grows fourfold."""
    read = []
    for month in (7, 9):
        pass_id = f"S2A_2024{month:02d}05T112111"
        plan = make_plan(cells=CELLS[:4], months=(f"2024-{month:02d}",), run_id=f"manual__{month}")
        runs.write(spark, plan, runs.rows_of(plan, CELLS[:4], pass_id))
        with files_read(spark) as opened:
            assert without_vector(spark, Scope.of(plan)).total == 4
            publish.publish(spark, Scope.of(plan))
        read.append(sorted(opened))
        for other in (f"S2A_2024{month + 1:02d}08T112111", f"S2A_2023{month:02d}08T112111"):
            for table, made in runs.rows_of(plan, (*CELLS[:4], FAR), other).items():
                rows.frame(spark, table, made).writeTo(names.main_table(plan, table)).append()
    assert read[0] == read[1]
    assert read[0], "files were counted"


@pytest.mark.beside
def test_two_runs_race_and_no_chip_comes_twice(spark, make_plan):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2")
    runs.write(spark, first, runs.rows_of(first, CELLS[:4]))
    runs.write(spark, second, runs.rows_of(second, CELLS[2:7]))
    publish_run(spark, first)
    report = publish_run(spark, second)
    assert {table.table: table.how for table in report.tables} == WRITTEN["rebuilt"]
    assert {table.table: table.rows_added for table in report.tables} == {
        "chips": 3, "embeddings": 3, "observations": 3, "changes": 0, "scenes": 1,
    }  # fmt: skip
    assert ids(spark, second) == sorted(f"{cell}_{rows.PASS_A}" for cell in CELLS[:7])
    assert ids(spark, second, "embeddings") == ids(spark, second)


@pytest.mark.beside
def test_main_that_moves_between_audit_and_swap_is_met_by_a_rebuild(spark, make_plan, monkeypatch):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2")
    runs.write(spark, first, runs.rows_of(first, CELLS[:2]))
    runs.write(spark, second, runs.rows_of(second, CELLS[1:4]))
    real, moved = branches.fast_forward, []

    def another_first(session, table, snapshot):
        if table.endswith("chips") and not moved:
            moved.append(table)
            publish_run(spark, first)
        return real(session, table, snapshot)

    monkeypatch.setattr(branches, "fast_forward", another_first)
    report = publish_run(spark, second)
    assert moved
    assert {table.table: table.how for table in report.tables} == WRITTEN["rebuilt"]
    assert ids(spark, second) == sorted(f"{cell}_{rows.PASS_A}" for cell in CELLS[:4])


@pytest.mark.beside
def test_it_gives_up_when_main_never_stands_still(spark, make_plan, monkeypatch):
    plan = make_plan()
    runs.write(spark, plan, runs.rows_of(plan, CELLS[:1]))
    open_branches(spark, plan)
    monkeypatch.setattr(branches, "fast_forward", lambda *_: False)
    monkeypatch.setattr(publish, "ATTEMPTS", 2)
    with pytest.raises(PublishRaceError, match="2 attempts"):
        publish_run(spark, plan)
    assert ids(spark, plan) == []


@pytest.fixture(scope="module")
def undisturbed(spark):
    """Main's rows after a run that nobody killed."""
    plan = rows.PlanMaker(lake=LAKE, database="undisturbed")("calm")
    runs.write(spark, plan, runs.rows_of(plan, CELLS[:3], rejected=CELLS[3:4]))
    publish_run(spark, plan)
    return runs.state(spark, plan)


@pytest.mark.parametrize(
    "kill_after", ["chips", *(pytest.param(table, marks=pytest.mark.beside) for table in ("observations", "scenes"))]
)
def test_killed_between_tables_and_run_again_gives_the_same_tables(
    spark, make_plan, monkeypatch, kill_after, undisturbed
):
    plan = make_plan("killed")
    runs.write(spark, plan, runs.rows_of(plan, CELLS[:3], rejected=CELLS[3:4]))
    real = publish._swap

    def killed(session, scope, name, how):
        done = real(session, scope, name, how)
        if name == kill_after:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(publish, "_swap", killed)
    with pytest.raises(KeyboardInterrupt):
        publish_run(spark, plan)
    assert not store.exists(plan.uri("publish.json"))
    monkeypatch.setattr(publish, "_swap", real)
    report = publish_run(spark, plan)
    assert runs.state(spark, plan) == undisturbed
    assert report.rows_added > 0
    assert all(set(refs) == {"main"} for refs in runs.heads(spark, plan).values())


@pytest.mark.beside
def test_two_writers_of_one_branch_are_put_right(spark, make_plan):
    plan = make_plan()
    runs.write(spark, plan, runs.rows_of(plan, CELLS[:2]))
    again = rows.frame(spark, "chips", [rows.chip(CELLS[0], rows.PASS_A)])
    again.writeTo(names.branch_table(plan, "chips")).append()
    publish_run(spark, plan)
    assert ids(spark, plan) == sorted(f"{cell}_{rows.PASS_A}" for cell in CELLS[:2])


def test_failures_up_to_the_limit_are_published_and_above_it_nothing(spark, make_plan):
    plan = make_plan(limits={"max_failed_frac": 0.3})
    made = runs.rows_of(plan, CELLS[:6])
    made["observations"] += [rows.observation(cell, rows.PASS_A, "failed:block_unreadable") for cell in CELLS[6:]]
    runs.write(spark, plan, made)
    with pytest.raises(TooManyFailuresError, match=r"3 of 9 .*33.33%.*30.00%.*3 block_unreadable"):
        publish_run(spark, plan)
    assert ids(spark, plan) == []
    assert plan.branch in runs.heads(spark, plan)["chips"]
    assert not store.exists(plan.uri("publish.json"))

    allowed = make_plan(limits={"max_failed_frac": 0.34})
    report = publish_run(spark, allowed)
    assert report.failed_frac == pytest.approx(1 / 3)
    assert "3 (cell, pass) failed (33.33%): 3 block_unreadable" in report.message
    assert len(ids(spark, allowed)) == 6


def test_a_report_that_fails_does_not_undo_publishing(spark, make_plan, monkeypatch):
    plan = make_plan()
    runs.write(spark, plan, runs.rows_of(plan, CELLS[:1]))

    def broken(*_):
        raise ValueError("no paint")

    monkeypatch.setattr(run, "build", broken)
    report = publish_run(spark, plan)
    assert report.report is None
    assert "no paint" in report.message
    assert len(ids(spark, plan)) == 1


def test_a_chip_that_could_not_be_embedded_is_a_counted_failure(spark, make_plan):
    plan = make_plan(limits={"max_failed_frac": 0.5})
    made = runs.rows_of(plan, CELLS[:2])
    del made["embeddings"][0]
    runs.write(spark, plan, made)
    assert publish_run(spark, plan).embed_again == 1
    assert ids(spark, plan) == []
    runs.save_reports(plan, ["chip", "chip"], poison=1)
    report = publish_run(spark, plan)
    assert report.failed_frac == pytest.approx(0.5)
    assert (report.month_chips, report.month_vectors) == (2, 1)


@pytest.mark.beside
def test_another_run_half_way_through_is_waited_for(spark, make_plan, monkeypatch):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2")
    runs.write(spark, first, runs.rows_of(first, CELLS[:2]))
    runs.write(spark, second, runs.rows_of(second, CELLS[1:3]))
    table = names.main_table(first, "chips")
    assert branches.fast_forward(spark, table, branches.heads(spark, first)["chips"])
    real, waited = publish._moved, []

    def first_goes_on(*arguments):
        waited.append(True)
        publish_run(spark, first)
        return real(*arguments)

    monkeypatch.setattr(publish, "_moved", first_goes_on)
    report = publish_run(spark, second)
    assert waited == [True]
    assert report.month_vectors == 3
    assert ids(spark, second, "embeddings") == ids(spark, second)
