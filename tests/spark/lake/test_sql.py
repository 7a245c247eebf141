"""What `claylake.sql` writes is what Spark reads, whatever it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as f

from claylake import sql
from claylake.vocabulary import SCENE_STATES
from spark.lake.bounds import from_micros
from spark.lake.columns import Columns
from tests.shared import vector_kinds

pytestmark = pytest.mark.slow
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
HOSTILE = st.lists(
    st.sampled_from(
        ["'", "\\", '"', "`", "${", "$", "{", "}", "spark.app.name", "%", "_", "\n", "\0", "--", "/*", "u0041", "n"]
    )
).map("".join)
TEXT = ANY_TEXT | HOSTILE
ZONES = [UTC, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(hours=14))]
FEW = settings(max_examples=30, deadline=None)


@FEW
@given(st.lists(TEXT, min_size=1, max_size=8))
@example(["${spark.app.name}", "$\\{spark.app.name}", "\\' OR '1'='1", "it''s", "\\u0041\\n", "\\%\\_"])
def test_a_string_comes_back_as_it_went_in(spark, texts):
    columns = ", ".join(map(sql.string, texts))
    assert spark.sql(f"SELECT array({columns})").first()[0] == texts


@FEW
@given(st.lists(TEXT, min_size=1, max_size=8))
def test_a_condition_within_a_string_comes_back_too(spark, texts):
    # As procedures take them: a literal that holds literals.
    inner = sql.is_in("x", texts)
    assert spark.sql(f"SELECT {sql.string(inner)}").first()[0] == inner
    assert spark.createDataFrame([(text,) for text in texts], "x string").where(inner).count() == len(texts)


@FEW
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.sampled_from(ZONES)))
def test_an_instant_comes_back_to_the_microsecond(spark, moment):
    assert from_micros(spark.sql(f"SELECT unix_micros({sql.timestamp(moment)})").first()[0]) == moment


def test_a_time_without_zone_is_no_instant():
    with pytest.raises(ValueError, match="no time zone"):
        sql.timestamp(datetime(2024, 7, 1))


@FEW
@given(TEXT.filter(lambda text: text and "${" not in text))
def test_a_name_is_one_name(spark, text):
    frame = spark.sql(f"SELECT 1 AS {sql.name(text)}")
    assert frame.columns == [text]
    assert frame.select(sql.name(text)).first()[0] == 1


@pytest.mark.parametrize("text", ["", "${spark.app.name}"])
def test_what_cannot_be_a_name_is_refused(text):
    with pytest.raises(ValueError, match="cannot be a name"):
        sql.name(text)


def test_no_row_is_one_of_none(spark):
    assert spark.range(3).where(sql.is_in("cast(id AS string)", ())).count() == 0
    assert spark.range(3).where(f"NOT {sql.is_in('cast(id AS string)', ())}").count() == 3
    states = spark.createDataFrame([(state,) for state in (*SCENE_STATES, "half")], "status string")
    assert states.where(f"NOT {sql.is_in('status', SCENE_STATES)}").first()[0] == "half"


def test_one_of_many_is_sought_in_lists_that_iceberg_uses(spark):
    texts = [f"{number:04}" for number in range(450)]
    condition = sql.is_among("x", texts)
    assert condition.count(" IN (") == 3
    frame = spark.createDataFrame([(text,) for text in (*texts, "other")], "x string")
    assert frame.where(condition).count() == 450
    assert frame.where(sql.is_among("x", ())).count() == 0


def test_vectors_of_a_kind_are_selected(spark):
    # pyiceberg's side, of the same rows: tests/dags/domain/test_vector_kind.py.
    rows = Columns({"model_version": "string", "convention": "string"}).frame(spark, vector_kinds.ROWS)
    met = rows.select(
        "*", *(f.expr(kind.condition()).alias(str(place)) for place, kind in enumerate(vector_kinds.KINDS))
    )
    found = [row.asDict() for row in met.collect()]
    for place, kind in enumerate(vector_kinds.KINDS):
        chosen = [{name: row[name] for name in ("model_version", "convention")} for row in found if row[str(place)]]
        assert chosen == vector_kinds.selected(kind), kind
