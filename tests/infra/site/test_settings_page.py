"""`docs/settings.md` is what the model of the settings says, and what it says of values is what the model takes."""

import re

import pytest
from pydantic import ValidationError

from claylake.configuration.settings import Settings
from cli.overrides import ELSEWHERE
from infra.site import settings_page

ROW = re.compile(r"\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]*) \| (.+) \| (AWS|command|both) \|")
RANGE = re.compile(r"(whole )?number, ([\d.]+) (?:to ([\d.]+)|or more)")


def tables():
    """Rows by section, as a reader of the page has them."""
    parts = re.split(r"^## (\w+)$", settings_page.PAGE.read_text(), flags=re.MULTILINE)
    return {name: ROW.findall(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


ROWS = [(section, *row) for section, rows in tables().items() for row in rows]


def test_the_page_is_the_models():
    assert settings_page.PAGE.read_text() == settings_page.page(), "make settings-docs writes it anew"


def test_every_key_is_described():
    assert list(tables()) == list(Settings.model_fields)
    for section, rows in tables().items():
        keys = settings_page._model(section).model_fields
        assert {row[0] for row in rows} >= set(keys), section
    assert [row[:2] for row in ROWS if not row[5].strip()] == [], (
        "give its field a text: claylake.configuration.section"
    )


def test_where_sections_are_used_is_what_the_command_takes():
    assert {*settings_page.ON_AWS, *settings_page.ON_ONE_MACHINE} == set(ELSEWHERE)


def taken(section, key, value):
    try:
        Settings.model_validate({section: {key: value}})
    except ValidationError:
        return False
    return True


RANGES = [
    (*row[:2], RANGE.match(row[2])) for row in ROWS if RANGE.match(row[2]) and row[0] not in ("deployed", "local")
]


@pytest.mark.parametrize(("section", "key", "found"), RANGES, ids=[f"{row[0]}.{row[1]}" for row in RANGES])
def test_ranges_are_those_of_the_model(section, key, found):
    step = 1 if found[1] else 0.001
    least, most = float(found[2]), found[3]
    assert taken(section, key, least)
    assert not taken(section, key, least - step)
    if most:
        assert taken(section, key, float(most))
        assert not taken(section, key, float(most) + step)


def test_there_are_ranges():
    assert len(RANGES) > 20
