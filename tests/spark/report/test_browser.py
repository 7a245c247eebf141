"""The page in a browser: nothing fails or is fetched, one selection for all drawings, by mouse and by keys."""

from __future__ import annotations

import pytest

from spark.report.page import html
from tests.shared.browser import NAMES, VARIABLE, browsing, found
from tests.spark.report import months

PROGRAM = found()
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason=f"no browser: none of {', '.join(NAMES)} is on PATH, and {VARIABLE} names none"
)
CHOSEN = """({
  where: document.getElementById('where').hidden ? '' : document.getElementById('where').textContent,
  map: document.getElementById('chosen').getAttribute('d'),
  panels: ['rgb', 'pca'].map(id => document.querySelector(`#${id} rect.chosen`).width.baseVal.value),
  rings: document.querySelectorAll('#points rect.chosen').length,
})"""


@pytest.fixture(scope="module")
def browser():
    with browsing(PROGRAM) as one:
        yield one


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(html(months.month(6, health=months.GOOD)), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1400])
def test_it_fits_and_fetches_nothing(browser, page, width, dark):
    browser.open(page, width, dark=dark)
    assert browser.failures == []
    assert [url for url in browser.requests if not url.startswith("data:")] == [page.as_uri()]
    assert browser.value("document.documentElement.scrollWidth") == width
    shade = browser.value("getComputedStyle(document.body).backgroundColor")
    assert (shade == "rgb(17, 21, 26)") == dark
    browser.value("document.getElementById('theme').click()")
    assert (browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 26)") != dark


def test_keys_choose_one_cell_in_all_drawings(browser, page):
    browser.open(page)
    assert browser.value(CHOSEN)["where"] == ""
    browser.value("document.getElementById('atlas').focus()")
    browser.key("ArrowRight")
    first = browser.value(CHOSEN)
    browser.key("ArrowRight")
    second = browser.value(CHOSEN)
    assert first["where"].startswith(f"cell {months.EPSG}_{months.COL}_{months.ROW + 3}")
    assert second["where"].startswith(f"cell {months.EPSG}_{months.COL + 1}_{months.ROW + 3}")
    assert first["map"] != second["map"] != ""
    assert second["panels"] == [1, 1]
    assert second["rings"] == 1
    browser.key("Escape")
    assert browser.value(CHOSEN) == {"where": "", "map": "", "panels": [0, 0], "rings": 0}


def test_the_mouse_on_a_picture_chooses_the_cell_under_it(browser, page):
    browser.open(page)
    box = browser.value(
        "(() => { const at = document.getElementById('pca'); at.scrollIntoView(); const box = at.getBoundingClientRect();"
        " return [box.x, box.y, box.width, box.height]; })()"
    )
    browser.move(box[0] + box[2] * 2.5 / 6, box[1] + box[3] * 0.5 / 6)
    assert browser.value(CHOSEN)["where"].startswith(f"cell {months.EPSG}_{months.COL + 2}_{months.ROW + 5}")


def test_a_pass_colours_the_map_by_its_outcomes(browser, page):
    browser.open(page)
    browser.value(
        "(() => { const by = document.getElementById('by'); by.value = '1'; by.dispatchEvent(new Event('change')); })()"
    )
    drawn = browser.value("[...document.getElementById('cells').children].map(cell => cell.getAttribute('class'))")
    observed = {row.cell_id: row.outcome for row in months.month(6).rows.observed if row.pass_id == months.PASSES[1]}
    kinds = {"chip": "o-chip", "rejected:cloud": "o-cloud", "failed:unreadable": "o-failed", None: "q0"}
    assert drawn == [kinds[observed.get(cell.id)] for cell in months.month(6).cells]
