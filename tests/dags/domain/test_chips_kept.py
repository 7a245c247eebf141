from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claylake.chips_kept import PROPERTY, ended, first_kept, mark_of
from claylake.cluster.estimate import STORE_MB_PER_CHIP, STORE_MB_PER_VECTOR
from claylake.cluster.storage import year_of
from claylake.configuration.layers import load_settings
from claylake.configuration.settings import Settings, assemble
from claylake.errors import SettingsError
from claylake.month import Month
from claylake.plan import Found
from claylake.run.gate import decide_start
from claylake.run.planning import make_plan
from claylake.run.receipt import make_receipt
from claylake.run.receipt_note import note
from claylake.run.remarks import pixels_end
from tests.dags.domain.conftest import RUN

NOW = datetime(2024, 9, 15, tzinfo=UTC)
keeps = st.integers(1, 200)


@given(st.datetimes(datetime(2016, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)), keeps)
def test_the_whole_months_kept_are_those_before_the_present_one(now, keep):
    first = first_kept(keep, now)
    kept = [first]
    while kept[-1].end <= now:
        kept.append(kept[-1].next())
    assert len(kept) == keep + 1
    assert kept[-1] == Month.of(now)


def test_months_count_in_utc_and_null_keeps_all():
    assert first_kept(None, NOW) is None
    assert first_kept(12, datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == Month(2023, 12)


def test_months_before_the_first_kept_have_ended():
    months = (Month(2024, 5), Month(2024, 6), Month(2024, 7))
    assert ended(months, Month(2024, 7)) == months[:2]
    assert ended(months, None) == ()
    assert mark_of({PROPERTY: "2024-07"}) == Month(2024, 7)
    assert mark_of({"other": "x"}) is None


def keeping(months):
    return assemble({"settings.yaml": {"maintenance": {"chips_keep_months": months}}})


def test_remarks_say_which_pixels_end_before_anything_is_spent():
    months = (Month(2024, 5), Month(2024, 6), Month(2024, 7))
    assert pixels_end(months, Settings(), None, NOW) == ()
    assert pixels_end(months, keeping(4), None, NOW) == ()
    (said,) = pixels_end(months, keeping(2), None, NOW)
    assert said.startswith("2024-05 to 2024-06: older than maintenance.chips_keep_months (2)")
    older, gone = pixels_end(months, keeping(2), Month(2024, 6), NOW)
    assert older == said
    assert gone.startswith("2024-05: pixels have ended")


@pytest.mark.parametrize("source", ["aoi", "params"])
def test_no_aoi_and_no_run_may_set_what_holds_for_the_lake(tmp_path, source, request_of):
    (tmp_path / "settings.yaml").write_text("maintenance: {chips_keep_months: 24}")
    assert load_settings(tmp_path, None, {}).maintenance.chips_keep_months == 24
    document = {"maintenance": {"chips_keep_months": 1, "stale_branch_days": 9}}
    aoi = request_of().aoi.model_copy(update={"overrides": document}) if source == "aoi" else None
    with pytest.raises(SettingsError, match=r"chips_keep_months is of the whole lake.*settings\.yaml"):
        load_settings(tmp_path, aoi, {} if aoi else document)


@given(st.integers(1, 10**6), st.integers(1, 12), st.integers(1, 500), st.integers(0, 500))
@example(310, 4, 120, 310)  # half a chip, but for the last bit
def test_a_year_is_twelve_months_of_what_the_catalogue_has(chips, months, kept, settled):
    prices = assemble({"x": {"prices": {"s3_usd_gb_month": 0.05}}}).prices
    year = year_of(chips, months, Found(kept=kept, settled=settled), prices)
    expected = chips / kept * (kept + settled) * 12 / months
    assert year.chips == pytest.approx(expected, abs=0.5 + 1e-6)
    assert year.chips_gb == pytest.approx(expected * STORE_MB_PER_CHIP / 1000)
    assert year.vectors_gb == pytest.approx(expected * STORE_MB_PER_VECTOR / 1000)
    assert year.chips_usd_month == pytest.approx(0.05 * year.chips_gb)
    assert year.vectors_usd_month == pytest.approx(0.05 * year.vectors_gb)


def test_a_run_without_chips_says_nothing_of_a_year():
    assert year_of(0, 1, Found(kept=3), Settings().prices) is None
    assert year_of(0, 1, Found(), Settings().prices) is None


def test_plan_gate_and_note_say_what_a_year_costs_and_what_ends(stac, item, here, lake, request_of):
    stac.pages = [[item("a")]]
    plan = make_plan(run=RUN, request=request_of(), settings=here(maintenance={"chips_keep_months": 1}), now=NOW)
    assert plan.kept_year.chips == 12 * plan.estimate.chips
    assert plan.kept_year.text in decide_start(plan).why
    assert any("2024-07: older than maintenance.chips_keep_months (1)" in remark for remark in plan.remarks)
    receipt = make_receipt(plan, cluster=None, steps=[], now=NOW)
    assert receipt.kept_year == plan.kept_year
    assert f"To keep: {plan.kept_year.text}" in note(receipt)
    assert "older than maintenance.chips_keep_months (1)" in note(receipt)
