"""Pictures are of the rows that they are drawn from, small, and those in the repository are those that are made."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import blosc2
import numpy as np
import pytest
from PIL import Image, ImageFont

from infra.pictures import burn, outcomes, sheet
from infra.pictures.bands import bands
from infra.pictures.beside import beside
from infra.pictures.errors import PictureError
from infra.pictures.lake import of_month
from infra.pictures.terminal import svg

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ROOT / "docs/images"
NOISE = np.random.default_rng(7).integers(0, 256, (160, 160, 3), np.uint8)


def row(cell, flown, outcome, day=2):
    return {
        "cell_id": f"32632_{cell}",
        "pass": f"{flown}_20240802T101559",
        "datetime": datetime(2024, 8, day, 10, tzinfo=UTC),
        "outcome": outcome,
    }


def test_each_pass_has_a_map_of_its_outcomes():
    rows = [row("5_9", "S2A", "chip"), row("6_8", "S2A", "rejected:cloud"), row("5_8", "S2B", "failed:unreadable", 7)]
    drawn = outcomes.outcomes(rows)
    first, second = drawn.rows[0]
    assert [panel.title for panel in (first, second)] == ["2024-08-02, S2A: 1 of 2", "2024-08-07, S2B: 0 of 1"]
    side = first.picture.width // 2
    at = {place: first.picture.getpixel((place[0] * side + 5, place[1] * side + 5)) for place in np.ndindex(2, 2)}
    assert at == {
        (0, 0): outcomes.COLOURS["chip"][0],
        (1, 1): outcomes.COLOURS["rejected:cloud"][0],
        (1, 0): (255, 255, 255),
        (0, 1): (255, 255, 255),
    }
    assert [words for _, words in drawn.legend] == ["chip", "rejected: cloud", "failed"]


def test_the_bands_of_a_chip_are_in_their_order():
    """Band n is dark but for its n-th column of ten."""
    pixels = np.full((10, 256, 256), 100, np.uint16)
    for number in range(10):
        pixels[number, :, number * 25 : number * 25 + 25] = 5000
    chip = {"id": "x", "datetime": datetime(2024, 8, 2, tzinfo=UTC), "clear_frac": 1.0}
    drawn = bands(chip | {"clay_tensor": blosc2.asarray(pixels).to_cframe()})
    panels = [panel for line in drawn.rows for panel in line]
    brightest = [np.asarray(panel.picture)[..., 0].sum(axis=0).argmax() / panel.picture.width * 256 for panel in panels]
    assert [int(x // 25) for x in brightest] == list(range(10))
    assert (panels[0].title, panels[-1].title) == ("blue", "swir22")


def test_input_and_embedding_stand_side_by_side(tmp_path):
    for name, colour in (("true-colour", "lime"), ("embeddings", "red")):
        Image.new("RGBA", (20, 10), colour).save(tmp_path / f"{name}.png")
    (tmp_path / "index.html").write_text("they hold 5&#37;, 4%, 1% of the variance")
    drawn = beside(tmp_path, "2024-08")
    left, right = (panel.picture for panel in drawn.rows[0])
    assert (left.getpixel((1, 1)), right.getpixel((1, 1))) == ((0, 255, 0), (255, 0, 0))
    assert left.getpixel((1, left.height - 1)) == (255, 255, 255)
    assert "They hold 5%, 4%, 1% of the variance." in drawn.text


class _Lake:
    """Two cells side by side, dark before the event and bright after it; the pixels say their pass."""

    folder = Path("here")

    def __init__(self, days):
        self.days = days

    def rows(self, _table, condition, _columns):
        one = re.search(r"pass = '(.*)'", condition)
        for day in self.days:
            for col in (274, 275):
                if one is None or one[1] == f"p{day}":
                    value = 500 if day < 20 else 3000
                    tensor = blosc2.asarray(np.full((10, 256, 256), value, np.uint16)).to_cframe()
                    when = datetime(2024, 8, day, tzinfo=UTC)
                    place = {"cell_id": f"32632_{col}_2094", "epsg": 32632, "col": col, "row": 2094}
                    yield place | {"pass": f"p{day}", "datetime": when, "clear_frac": 1.0, "clay_tensor": tensor}


EVENT = burn.Event(
    outlines=[[(11.750, 48.38), (11.762, 48.38), (11.762, 48.384)]], start=datetime(2024, 8, 20, tzinfo=UTC)
)


def test_the_last_pass_before_a_fire_and_the_first_after_it():
    drawn = burn.burn(_Lake((3, 13, 23, 28)), EVENT)
    assert [panel.title[:10] for line in drawn.rows for panel in line] == ["2024-08-13", "2024-08-23"] * 2
    means = [np.asarray(panel.picture).mean() for panel in drawn.rows[0]]
    assert means[0] < 100 < means[1]


@pytest.mark.parametrize("days", [(3, 13), (23, 28)])
def test_a_fire_without_both_sides_is_refused(days):
    with pytest.raises(PictureError, match="no clear pass before it or none after it"):
        burn.burn(_Lake(days), EVENT)


def test_a_picture_is_small_or_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MOST_BYTES", 12_000)

    def of(pixels):
        panel = sheet.Panel(title="noise", picture=Image.fromarray(pixels))
        return sheet.Sheet(heading="a", rows=[[panel]], text="b")

    of(NOISE[:40, :40]).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < sheet.MOST_BYTES
    with pytest.raises(PictureError, match="draw it smaller"):
        of(NOISE).save(tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_text_is_never_cut():
    font = ImageFont.load_default(14)
    text = "some words that go over several lines and extraordinarilylongone here"
    lines = sheet.broken(text, font, 90)
    assert " ".join(lines) == text
    assert all(font.getlength(line) <= 90 or " " not in line for line in lines)


def test_a_month_is_half_open():
    assert of_month("2024-08") == "datetime >= '2024-08-01T00:00:00+00:00' and datetime < '2024-09-01T00:00:00+00:00'"


def test_the_terminal_has_every_line_and_no_address():
    picture = svg("claylake run", "plan      5 cells\nembed     <3 & more>")
    text = re.sub(r"<[^>]*>", "\n", picture).replace("&#160;", " ")
    assert "$ claylake run" in text
    assert "&lt;3 &amp; more&gt;" in text
    assert re.findall(r"https?://[^\"]*", picture) == ["http://www.w3.org/2000/svg"]


def test_the_pictures_in_the_repository_are_small_shown_and_made():
    tracked = subprocess.run(["git", "ls-files", "docs/images"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = {Path(name).name for name in tracked.stdout.split()}
    made = (ROOT / "infra/pictures/__main__.py").read_text()
    assert names == set(re.findall(r"\"([\w-]+\.(?:png|svg))\"", made))
    shown = (ROOT / "README.md").read_text() + (ROOT / "docs/claylake.md").read_text()
    for name in names:
        assert (IMAGES / name).stat().st_size < sheet.MOST_BYTES
        assert f"images/{name}" in shown
