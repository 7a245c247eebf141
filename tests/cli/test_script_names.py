"""Words of scripts mean the options that they stand for, or are refused with the reason."""

from __future__ import annotations

import pytest

from claylake.errors import BadInputError
from cli.request import Wanted
from cli.script_names import read

OPTIONS = {"aoi": None, "bbox": None, "months": None, "data": None, "encoder": None, "database": "claylake"}


def test_an_extract_command_of_a_script():
    words = [
        "aoi_bounds=[11.0, 48.0, 11.1, 48.1]",
        "start_date=2024-07-05",
        "end_date=2024-08-20",
        "encoder.batch_size=4",
    ]
    wanted = Wanted.of("extract", words, **OPTIONS)
    assert [str(month) for month in wanted.each_month()] == ["2024-07", "2024-08"]
    assert wanted.area().geometry == Wanted.of("extract", [], **OPTIONS | {"bbox": "11,48,11.1,48.1"}).area().geometry
    assert wanted.overrides == (
        "selection.start_date=2024-07-05",
        "selection.end_date=2024-08-20",
        "encoder.batch_size=4",
    )


def test_a_month_that_is_given_stays_and_dates_restrict_it():
    wanted = Wanted.of("run", ["start_date=2024-07-05"], **OPTIONS | {"months": "2024-07"})
    assert [str(month) for month in wanted.each_month()] == ["2024-07"]


@pytest.mark.parametrize(
    ("command", "words", "namespace"),
    [
        ("embed", ["input_table=mine.chips", "output_table=mine.embeddings"], "mine"),
        ("embed", ["input_table=lake.mine.chips"], "mine"),
        ("extract", ["output_table=claylake.chips"], "claylake"),
        ("embed", [], None),
    ],
)
def test_tables_name_a_namespace(command, words, namespace):
    assert read(words, command).namespace == namespace
    assert Wanted.of(command, words, **OPTIONS).database == (namespace or "claylake")


@pytest.mark.parametrize(
    ("command", "words", "text"),
    [
        ("embed", ["input_table=mine.chips", "output_table=yours.embeddings"], "in one namespace"),
        ("embed", ["input_table=mine.my_chips"], "the table is called chips"),
        ("embed", ["output_table=mine.chips"], "the table is called embeddings"),
        ("extract", ["output_table=chips"], "the table is called chips"),
        ("extract", ["input_table=a.chips"], "for embed only"),
        ("publish", ["output_table=a.chips"], "for extract and embed only"),
        ("run", ["end_dat=2024-07-01"], "did you mean end_date"),
    ],
)
def test_what_cannot_be_done_is_refused(command, words, text):
    with pytest.raises(BadInputError, match=text):
        read(words, command)


def test_an_option_that_says_otherwise_is_refused():
    with pytest.raises(BadInputError, match="give the same namespace"):
        Wanted.of("embed", ["input_table=mine.chips"], **OPTIONS | {"database": "yours"})
