"""Runs beside each other: two AOIs that share cells, old attempts that still write, lost answers, a moving main."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from claylake.run.reports import PublishReport
from claylake.vocabulary import PUBLISH_ORDER
from spark.lake import branches, maintenance, merge, names, publish, rebuild
from spark.lake.errors import PublishRaceError
from spark.lake.opening import open_branches
from spark.lake.refs import Refs
from spark.lake.scope import Scope
from spark.publishing.run import publish_run
from tests.spark.lake import rows, runs

CELLS = rows.CELLS_3X3
OTHER_MODEL = "demo-random+ba9876543210"
LOST = {
    "lose_answer": "UpdateTable",
    "code": "InternalServiceException",
    "times": 4,
    "then": {"reject_call": "GetTable", "times": 4, "code": "AccessDeniedException"},
}
"""A commit succeeds, its answer is lost, and so are those about what the table is now."""
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(publish, "PAUSE_S", 0.0)
    monkeypatch.setattr(branches, "SWAP_PAUSE_S", 0.0)


def done(spark, plan):
    """Published, without the report's pictures."""
    return publish.publish(spark, Scope.of(plan))


def keys(spark, plan, table, *columns):
    """Values of these columns on main, sorted."""
    return sorted(tuple(row) for row in spark.table(names.main_table(plan, table)).select(*columns).collect())


def ids(spark, plan, table="chips"):
    return [key for (key,) in keys(spark, plan, table, "id")]


def of_other_pixels(made):
    """The same rows, of chips that were made from another scene with other pixels."""
    for chip, vector in zip(made["chips"], made["embeddings"], strict=True):
        pixels = rows.tensor(chip["cell_id"], chip["pass"]) + 1
        chip |= {"clay_tensor": rows.pack(pixels), "content_digest": rows.digest(pixels)}
        vector["content_digest"] = chip["content_digest"]
    return made


def require_whole(spark, plan):
    """What must hold on main whatever runs did beside each other."""
    chips, vectors = (
        keys(spark, plan, "chips", "id", "content_digest"),
        keys(spark, plan, "embeddings", "id", "content_digest"),
    )
    assert len(chips) == len({key for key, _ in chips})
    assert set(vectors) == set(chips)
    assert len(keys(spark, plan, "observations", "cell_id", "pass")) == len(
        set(keys(spark, plan, "observations", "cell_id", "pass"))
    )


@pytest.mark.beside
def test_of_a_shared_chip_the_first_one_stays_and_the_other_s_vector_goes(spark, make_plan):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2")
    runs.write(spark, first, runs.rows_of(first, CELLS[:4]))
    runs.write(spark, second, of_other_pixels(runs.rows_of(second, CELLS[2:6])))
    done(spark, first)
    report = done(spark, second)
    assert report.embed_again == 0
    assert {table.table: table.rows_shared for table in report.tables} == {
        "chips": 2, "embeddings": 0, "observations": 2, "scenes": 0,
    }  # fmt: skip
    require_whole(spark, second)
    assert len(ids(spark, second)) == 6


@pytest.mark.beside
def test_a_vector_left_behind_by_an_earlier_version_goes_with_the_next_run(spark, make_plan):
    plan = make_plan()
    made = runs.rows_of(plan, CELLS[:3])
    runs.write(spark, plan, made)
    done(spark, plan)
    stray = of_other_pixels(runs.rows_of(plan, CELLS[:1]))["embeddings"]
    rows.frame(spark, "embeddings", stray).writeTo(names.main_table(plan, "embeddings")).append()
    # Its months' chips are no longer kept: it stays.
    kept = runs.rows_of(plan, CELLS[5:6])["embeddings"]
    rows.frame(spark, "embeddings", kept).writeTo(names.main_table(plan, "embeddings")).append()
    done(spark, plan)
    assert ids(spark, plan, "embeddings") == sorted([*ids(spark, plan), kept[0]["id"]])


@pytest.mark.beside
def test_two_models_at_once_embed_each_other_s_chips(spark, make_plan):
    first = make_plan("first")
    second = make_plan("second", run_id="manual__2", model_version=OTHER_MODEL)
    runs.write(spark, first, runs.rows_of(first, CELLS[:4]))
    runs.write(spark, second, of_other_pixels(runs.rows_of(second, CELLS[2:6])))
    done(spark, first)

    waiting = publish_run(spark, second)
    assert waiting.embed_again == 4
    assert waiting.report is None
    assert "4 chips" in waiting.message
    assert {table.table for table in waiting.tables} == set()

    lacking = [rows.chip(cell, rows.PASS_A) for cell in CELLS[:4]]
    vectors = [rows.vector(chip, OTHER_MODEL) for chip in lacking]
    open_branches(spark, second)
    merge.insert_only(spark, second, "embeddings", rows.frame(spark, "embeddings", vectors))
    report = publish_run(spark, second)
    assert report.embed_again == 0
    assert report.report is not None
    require_whole(spark, second)
    kinds = keys(spark, second, "embeddings", "id", "model_version")
    assert [kind for _, kind in kinds].count(OTHER_MODEL) == 6
    assert len(kinds) == 10
    assert PublishReport.load(second) == report


def test_what_an_old_attempt_writes_after_the_audit_is_not_published(spark, make_plan, monkeypatch):
    plan = make_plan()
    runs.write(spark, plan, runs.rows_of(plan, CELLS[:2]))
    late = rows.frame(spark, "chips", [rows.chip(cell, rows.PASS_B) for cell in CELLS[:3]])
    real, written = publish.audit, []

    def audited(*arguments):
        found = real(*arguments)
        if not written:
            late.writeTo(names.branch_table(plan, "chips")).append()
            written.append(True)
        return found

    monkeypatch.setattr(publish, "audit", audited)
    report = done(spark, plan)
    assert written
    assert report.findings.chips == 2
    assert ids(spark, plan) == sorted(f"{cell}_{rows.PASS_A}" for cell in CELLS[:2])
    # Its branch is gone with the publishing: what it would still write has no place.
    with pytest.raises(Exception, match=r"(?i)does not exist"):
        late.writeTo(names.branch_table(plan, "chips")).append()


@pytest.mark.beside
def test_an_adopted_branch_whose_history_has_expired(spark, make_plan):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2")
    runs.write(spark, second, runs.rows_of(second, CELLS[:2]))
    made = runs.rows_of(second, CELLS[2:4], rejected=CELLS[4:6])
    for table in PUBLISH_ORDER:
        write = merge.upsert if table == "observations" else merge.insert_only
        write(spark, second, table, rows.frame(spark, table, made[table]))
    runs.save_reports(second, ["chip"] * 4 + ["rejected:too_cloudy"] * 2)
    runs.write(spark, first, runs.rows_of(first, CELLS[:1]))
    done(spark, first)
    for table in PUBLISH_ORDER:
        full = names.main_table(second, table)
        now = datetime.now(UTC) + timedelta(days=30)
        spark.sql(
            f"CALL lake.system.expire_snapshots(table => '{full}', older_than => TIMESTAMP '{now:%Y-%m-%d %H:%M:%S}', "
            "retain_last => 1)"
        ).collect()
        refs = Refs.read(spark, full)
        assert refs.since(refs.heads[second.branch], refs.main) is None
    adopter = make_plan("second", run_id="manual__3")
    runs.save_reports(adopter, ["chip"] * 4 + ["rejected:too_cloudy"] * 2)
    report = done(spark, adopter)
    assert report.findings.chips == 4
    require_whole(spark, adopter)
    assert len(keys(spark, adopter, "observations", "cell_id")) == 6


@pytest.mark.beside
def test_an_answer_about_main_that_is_lost(spark, make_plan, stack, monkeypatch):
    """The catalogue has moved main, its answer is lost, and so is every question whether it has."""
    plan = make_plan("lost")
    runs.write(spark, plan, runs.rows_of(plan, CELLS[:2], rejected=CELLS[2:3]))
    full = names.main_table(plan, "chips")
    real, struck = branches.load, []

    def losing(session, name):
        loaded = real(session, name)
        if name == full and not struck:
            struck.append(True)
            stack.fault(**LOST)
        return loaded

    spark.sql(
        f"ALTER TABLE {full} SET TBLPROPERTIES ('commit.status-check.min-wait-ms'='1', 'commit.status-check.max-wait-ms'='1')"
    )
    monkeypatch.setattr(branches, "load", losing)
    try:
        report = done(spark, plan)
    finally:
        stack.clear_faults()
    assert struck
    assert {table.table: table.rows_added for table in report.tables} == {
        "chips": 2, "embeddings": 2, "observations": 3, "scenes": 1,
    }  # fmt: skip
    require_whole(spark, plan)


@pytest.mark.beside
def test_an_answer_about_a_branch_that_is_lost(spark, make_plan, stack):
    plan = make_plan("lost")
    open_branches(spark, plan)
    table = names.main_table(plan, "chips")
    spark.sql(
        f"ALTER TABLE {table} SET TBLPROPERTIES ('commit.status-check.min-wait-ms'='1', 'commit.status-check.max-wait-ms'='1')"
    )
    made = rows.frame(spark, "chips", [rows.chip(cell, rows.PASS_A) for cell in CELLS[:3]]).persist()
    made.count()
    stack.fault(**LOST)
    try:
        with pytest.raises(Exception, match="CommitStateUnknown"):
            merge.insert_only(spark, plan, "chips", made)
    finally:
        stack.clear_faults()
    merge.insert_only(spark, plan, "chips", made)
    assert spark.table(names.branch_table(plan, "chips")).count() == 3


@pytest.mark.beside
def test_main_moved_by_compaction_between_audit_and_swap(spark, make_plan, monkeypatch):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2", cells=CELLS[3:])
    for cell in CELLS[:3]:
        runs.write(spark, first, runs.rows_of(first, [cell]))
        done(spark, first)
    runs.write(spark, second, runs.rows_of(second, CELLS[3:6]))
    real, moved = branches.fast_forward, []

    def compacted(session, table, snapshot):
        if not moved:
            moved.append(table)
            spark.sql(
                f"CALL lake.system.rewrite_data_files(table => '{table}', options => map('rewrite-all', 'true'))"
            ).collect()
        return real(session, table, snapshot)

    monkeypatch.setattr(branches, "fast_forward", compacted)
    written = data_files(spark, second, "chips")
    report = done(spark, second)
    assert moved
    assert {table.table: table.how for table in report.tables} == {
        "chips": "rebuilt", "embeddings": "fast_forward", "observations": "fast_forward", "changes": "unchanged", "scenes": "fast_forward",
    }  # fmt: skip
    require_whole(spark, second)
    assert written <= data_files(spark, second, "chips", "main")


def data_files(spark, plan, table, branch=None):
    """Paths of the files that hold this run's rows."""
    full = names.main_table(plan, table) if branch else names.branch_table(plan, table)
    found = spark.sql(f"SELECT DISTINCT _file FROM {full} WHERE run_id = '{plan.run.run_id}'")
    return {row["_file"] for row in found.collect()}


@pytest.mark.beside
def test_main_that_moves_at_every_attempt_and_what_a_run_then_does(spark, make_plan, monkeypatch):
    """A neighbour publishes into the same partitions each time: the run copies nothing and audits nothing again."""
    plan = make_plan(cells=CELLS[:4])
    runs.write(spark, plan, runs.rows_of(plan, CELLS[:4]))
    neighbours, audits, real, real_audit = list(CELLS[5:]), [], branches.fast_forward, publish.audit
    monkeypatch.setattr(publish, "audit", lambda *given: audits.append(given) or real_audit(*given))

    def moving(session, table, snapshot):
        if neighbours and table.endswith("chips"):
            made = runs.rows_of(make_plan("other", run_id="manual__2"), [neighbours.pop()])
            for each in ("chips", "embeddings", "observations"):
                rows.frame(spark, each, made[each]).writeTo(names.main_table(plan, each)).append()
        return real(session, table, snapshot)

    monkeypatch.setattr(branches, "fast_forward", moving)
    written = {table: data_files(spark, plan, table) for table in ("chips", "embeddings", "observations")}
    report = done(spark, plan)
    assert not neighbours
    assert len(audits) == 1
    assert report.findings.chips == 4
    assert all(files <= data_files(spark, plan, table, "main") for table, files in written.items())
    require_whole(spark, plan)


@pytest.mark.beside
def test_what_a_new_attempt_writes_while_an_old_one_rebuilds_is_kept(spark, make_plan, monkeypatch):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2")
    runs.write(spark, first, runs.rows_of(first, CELLS[:2]))
    runs.write(spark, second, runs.rows_of(second, CELLS[1:4]))
    done(spark, first)
    late, real = [rows.chip(cell, rows.PASS_B) for cell in CELLS[:2]], rebuild._own_files

    def beside(*arguments):
        found = real(*arguments)
        if late:
            rows.frame(spark, "chips", late).writeTo(names.branch_table(second, "chips")).append()
            late.clear()
        return found

    monkeypatch.setattr(rebuild, "_own_files", beside)
    open_branches(spark, second)
    assert not late
    found = spark.table(names.branch_table(second, "chips")).select("id").collect()
    assert sorted(row["id"] for row in found) == sorted(
        [f"{cell}_{rows.PASS_A}" for cell in CELLS[:4]] + [f"{cell}_{rows.PASS_B}" for cell in CELLS[:2]]
    )


@pytest.mark.beside
@pytest.mark.parametrize("moment", ["after loading", "after reading the history"])
def test_main_that_moves_while_it_is_moved_is_not_overwritten(spark, make_plan, monkeypatch, moment):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2")
    for plan, cell in ((first, CELLS[0]), (second, CELLS[1])):
        open_branches(spark, plan)
        merge.insert_only(spark, plan, "chips", rows.frame(spark, "chips", [rows.chip(cell, rows.PASS_A)]))
    table, moved = names.main_table(first, "chips"), []
    heads = [branches.heads(spark, plan)["chips"] for plan in (first, second)]

    def then_another_publishes(real):
        def read(*arguments):
            found = real(*arguments)
            if not moved:
                moved.append(True)
                assert branches.fast_forward(spark, table, heads[0])
            return found

        return read

    if moment == "after loading":
        monkeypatch.setattr(branches, "load", then_another_publishes(branches.load))
    else:
        monkeypatch.setattr(Refs, "of", then_another_publishes(Refs.of))
    assert not branches.fast_forward(spark, table, heads[1])
    assert moved
    assert len(ids(spark, first)) == 1


@pytest.mark.beside
def test_it_ends_with_a_count_of_what_was_shared(spark, make_plan, monkeypatch):
    first, second = make_plan("first"), make_plan("second", run_id="manual__2")
    runs.write(spark, first, runs.rows_of(first, CELLS[:2]))
    runs.write(spark, second, runs.rows_of(second, CELLS[1:4]))
    done(spark, first)
    monkeypatch.setattr(branches, "fast_forward", lambda *_: False)
    monkeypatch.setattr(publish, "ATTEMPTS", 2)
    with pytest.raises(PublishRaceError, match=r"chips moved during each of 2 attempts.*1 of chips.*branch is kept"):
        done(spark, second)
    assert second.branch in runs.heads(spark, second)["chips"]
    assert maintenance.drop_stale(spark, second, names.main_table(second, "chips"), datetime.now(UTC)) == 0
