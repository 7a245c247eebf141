import re

import pytest
from pydantic import ValidationError

from claylake.configuration.settings import Selection
from claylake.errors import StoreError
from claylake.month import Month
from claylake.plan import PLAN, Plan, run_folder, selection_digest
from claylake.run.reports import EmbedReport, ExtractReport


def test_a_plan_round_trips(plan_of):
    plan = plan_of()
    assert plan.save() == plan.uri(PLAN)
    assert Plan.load(plan.uri(PLAN)) == plan


def test_another_format_is_refused(plan_of):
    plan = plan_of()
    text = plan.model_dump_json().replace('"format":1', '"format":2')
    from claylake import store

    store.write(plan.uri(PLAN), text.encode())
    with pytest.raises(StoreError, match="not a plan of format 1"):
        Plan.load(plan.uri(PLAN))


def test_a_missing_plan_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"cannot read .*plan\.json"):
        Plan.load(str(tmp_path / "plan.json"))


def test_months_give_start_end_and_period(plan_of):
    plan = plan_of(months=("2024-11", "2024-12", "2025-01"))
    assert (plan.start, plan.end) == (Month(2024, 11).start, Month(2025, 2).start)
    assert plan.period == "2024-11/2025-01"
    assert plan_of().period == "2024-07"
    with pytest.raises(ValidationError):
        plan_of(months=())


def test_the_branch_is_the_works_not_the_attempts(plan_of):
    from claylake.plan import RunRef

    plan = plan_of()
    again = plan_of(run=RunRef(dag_id="claylake_adhoc", run_id="manual__2"), model_version="other")
    assert plan.branch == again.branch
    assert re.fullmatch(r"run_[a-z0-9_]{1,24}_\d{6}_[0-9a-f]{10}", plan.branch)
    for other in (
        {"months": ("2024-08",)},
        {"cells_digest": "d" * 16},
        {"selection_digest": "6" * 16},
        {"aoi_name": "b"},
    ):
        assert plan_of(**other).branch != plan.branch


def test_the_selections_digest_follows_its_values():
    assert selection_digest(Selection()) == selection_digest(Selection(max_scene_cloud=80))
    assert selection_digest(Selection()) != selection_digest(Selection(max_scene_cloud=79))
    assert len(selection_digest(Selection())) == 16


def test_lakes_of_before_there_were_dates_keep_their_digests():
    assert selection_digest(Selection()) == "bc9acfacb516bef6"
    days = [
        {"start_date": "2024-07-05"},
        {"end_date": "2024-07-05"},
        {"start_date": "2024-07-05", "end_date": "2024-07-05"},
    ]
    assert len({selection_digest(Selection(**one)) for one in [{}, *days]}) == 4


def test_run_folders_hold_no_awkward_characters():
    folder = run_folder("s3://lake/", "claylake__town", Month(2024, 7), "manual__2024-08-11T00:00:00+00:00/..")
    assert folder == "s3://lake/runs/claylake__town/2024-07/manual__2024-08-11T00_00_00_00_00_.."


def test_reports_round_trip_and_may_be_absent(plan_of):
    plan = plan_of()
    assert EmbedReport.load(plan) is None
    report = ExtractReport(
        seconds=2.0,
        scenes=1,
        passes=1,
        candidates=4,
        chips=1,
        present=1,
        rejected={"cloud": 1},
        failed={"read": 1},
        scene_status={"partial": 1},
        bytes_read=10,
        message="",
    )
    report.save(plan)
    assert ExtractReport.load(plan) == report
