"""The page: its numbers are those of the rows, it is one well-formed file, and it stays small."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from claylake.plan import Found
from claylake.run.reports import ExtractReport
from spark.report import page as whole
from spark.report.atlas import Blocks, Plane, cell_paths, outline, scale_bar
from spark.report.mosaics import exponent
from spark.report.rows import SceneRow
from tests.spark.report import months
from tests.spark.report.pages import Page

NO_VALUE = {"http", "://", "@import"}


def drawn(month):
    return Page(whole.html(month))


def numbers(page, label):
    """What stands under a label of the headline."""
    found = re.search(rf"{label} ([\d,]+)", page.text)
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("side", [1, 4, 12])
def test_numbers_are_those_of_the_rows(side):
    month = months.month(side, seed=side)
    page, rows = drawn(month), month.rows
    facts, observed = page.facts, rows.observed
    assert facts["outcomes"] == Counter(row.outcome for row in observed)
    assert facts["counts"]["chips"] == facts["outcomes"].get("chip", 0) == numbers(page, "chips")
    assert facts["counts"]["vectors"] == rows.vector_count == numbers(page, "vectors")
    assert facts["counts"]["cells"] == side**2
    assert facts["counts"]["km2_with_chip"] == pytest.approx(len(rows.clearest) * 2.56**2, abs=0.01)
    assert facts["cells"]["id"] == [cell.id for cell in month.cells]
    seen = {}
    for cell, line, shares in zip(facts["cells"]["id"], facts["cells"]["seen"], facts["cells"]["share"], strict=True):
        for one, digit, share in zip(facts["passes"], line, shares, strict=True):
            if digit != ".":
                seen[cell, one["pass"]] = facts["codes"][int(digit, 36)]["outcome"], share
    expected = {
        (row.cell_id, row.pass_id): (row.outcome, None if row.clear is None else round(100 * row.clear))
        for row in observed
    }
    assert seen == expected
    for one in facts["passes"]:
        mine = [row for row in observed if row.pass_id == one["pass"]]
        assert one["outcomes"] == Counter(row.outcome for row in mine)
        assert one["cells"] == len(mine)
        cloud = [row.cloud for row in mine if row.cloud is not None]
        assert one["cloud"] == (pytest.approx(np.mean(cloud), abs=1e-4) if cloud else None)
        assert one["scenes"] == 1
    assert facts["cells"]["chips"] == [
        sum(row.cell_id == cell.id and row.outcome == "chip" for row in observed) for cell in month.cells
    ]


def test_points_are_the_scores_of_their_cells():
    month = months.month(6)
    facts = drawn(month).facts
    points, at = facts["points"], facts["cells"]["at"]
    assert len(points["cell"]) == len(month.rows.clearest) > 20
    for number, cell in enumerate(points["cell"]):
        name = facts["cells"]["id"][cell]
        assert points["xy"][2 * number : 2 * number + 2] == pytest.approx(month.rows.vectors.scores[name][:2], abs=1e-4)
        assert points["at"][2 * number : 2 * number + 2] == at[2 * cell : 2 * cell + 2]


def test_the_file_needs_no_other_and_all_is_labelled():
    text = whole.html(months.month(5, health=months.GOOD))
    page = Page(text)
    assert not [word for word in NO_VALUE if word in re.sub(r"data:image/\w+;base64,[A-Za-z0-9+/=]+", "", text)]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        for name in ("href", "src", "clip-path", "fill", "aria-labelledby", "for"):
            if name not in attributes:
                continue
            value = attributes[name]
            assert name != "src"
            assert name != "href" or value.startswith(("#", "data:image/"))
            target = (
                value.partition("#")[2].rstrip(")")
                if "#" in value
                else value
                if name in {"aria-labelledby", "for"}
                else ""
            )
            assert not target or target in ids, f"{tag} points to {value}"
    drawings = page.all("svg")
    assert len(drawings) == 4
    assert all(drawing["aria-label"] and drawing["tabindex"] == "0" for drawing in drawings)
    assert {label["for"] for label in page.all("label") if "for" in label} == {"by-class", "by-means"}
    assert all(button["type"] == "button" for button in page.all("button"))
    assert page.all("html")[0]["lang"] == "en"
    assert {heading.get("scope") for heading in page.all("th")} == {"col"}


def test_what_comes_from_outside_is_escaped():
    evil = "</script><script>alert(1)</script><b>&amp;"
    month = months.month(2, plan_changes={"aoi_name": evil, "remarks": (evil,)}, outcome=evil)
    page = drawn(month)
    assert len(page.all("script")) == 2
    assert page.facts["area"] == page.facts["outcome"] == evil
    assert page.text.count("alert(1)") == 4  # title, heading, badge, remark


def test_a_month_without_chips_says_so():
    page = drawn(months.month(3, chips=False))
    assert "No cell has a chip in these months" in page.text
    assert "No vectors yet." in page.text
    assert page.facts["counts"]["chips"] == 0
    assert page.facts["points"]["cell"] == []
    assert page.all("image") == []
    assert drawn(months.month(2, passes=())).facts["passes"] == []


def test_the_funnel_and_fitness_give_reasons():
    scenes = [
        SceneRow(
            scene_id=f"s{number}", pass_id=months.PASSES[0], status=status, radiometry=radiometry,
            created_at=months.pass_start(months.PASSES[0]),
        ) for number, (status, radiometry) in enumerate([("quarantined", ""), ("done", "minus_1000"), ("partial", "as_published")])
    ]  # fmt: skip
    made = months.month(4, health=months.GOOD.model_copy(update={"unclear_r2": 0.8}))
    found = Found(items=9, unusable={"no_utm": 1}, too_cloudy=2, settled=3, kept=3)
    read = ExtractReport(
        seconds=61.2, scenes=3, passes=1, candidates=1, chips=1, present=0, rejected={}, failed={}, scene_status={},
        bytes_read=0, message="", warnings=("Scene x: its pixels speak against its metadata.",),
    )  # fmt: skip
    rows = months.Rows(**{
        name: getattr(made.rows, name) for name in ("passes", "observed", "clearest", "tiles", "vectors", "vector_count")
    }, scenes=scenes)  # fmt: skip
    month = months.Month(
        plan=made.plan.model_copy(update={"found": found}), cells=made.cells, rows=rows, embedded=made.embedded,
        extracted=read, seconds={"extract": 61.2, "embed": 2.0}, money="about 1.20 (estimate)",
    )  # fmt: skip
    said = drawn(month).text
    for words in (
        "1 no utm", "2 above max_scene_cloud", "3 read by an earlier run", "9 scenes listed", "3 read by this run",
        "rejected, too cloudy", "Quarantined scenes 1 s0", "done 1, partial 1, quarantined 1", "as_published 1, minus_1000 1",
        "Unusual. Vectors depend most of all on how clear", "seconds 63 extract 61, embed 2", "US dollars about 1.20 (estimate)",
        "its pixels speak against its metadata", "2 remarks", "scene footprints: none known to this run",
    ):  # fmt: skip
        assert words in said


def test_random_weights_are_named_and_others_are_not():
    assert "demo model is random" in drawn(months.month(4)).text
    assert "means nothing" in drawn(months.month(4)).text
    trained = drawn(months.month(4, plan_changes={"model_version": "clay-v1.5+0123456789ab"})).text
    assert "random" not in trained
    assert "Silhouette" in trained


def test_true_colour_shows_each_cells_tile_at_its_place():
    month = months.month(3)
    index, layout = month.index, month.layout
    page = drawn(month)
    picture = next(image["href"] for image in page.all("image") if image["id"] == "rgb-image")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))), float)
    side = page.facts["tile"]
    assert pixels.shape[:2] == (layout.height * side, layout.width * side)
    for cell, tile in month.rows.tiles.items():
        x, y = int(layout.x[index[cell]]) * side, int(layout.y[index[cell]]) * side
        shown = pixels[y : y + side, x : x + side].mean(axis=(0, 1))
        assert shown == pytest.approx(
            (255 * (tile / 255) ** exponent(month.rows.tiles.values())).mean(axis=(0, 1)), abs=4
        )


def test_dark_tiles_are_brightened_and_bright_ones_are_not():
    given = {value: exponent([np.full((2, 2, 3), value, np.uint8)]) for value in (0, 60, 95, 200, 255)}
    assert given == {0: 0.7, 60: 0.7, 95: pytest.approx(0.81, abs=0.01), 200: 1.0, 255: 1.0}
    assert exponent([]) == 1.0


def test_four_hundred_chips_and_ten_thousand_cells_stay_below_four_megabytes():
    assert len(whole.html(months.month(20, months.PASSES[:2])).encode()) < 2_000_000
    assert len(whole.html(months.month(100, months.PASSES)).encode()) < 4_000_000


def test_more_cells_than_can_be_drawn_become_blocks():
    month = months.month(24)
    month.__dict__["blocks"] = Blocks.of_cells(month.cells, most=100)
    page = drawn(month)
    facts = page.facts
    assert facts["block"] == 3
    assert sum(facts["cells"]["cells"]) == 24**2
    assert sum(facts["cells"]["with_chip"]) == len(month.rows.clearest)
    assert "seen" not in facts["cells"]
    assert "blocks of 3 x 3 cells" in page.text
    means = np.dot(facts["cells"]["chips"], facts["cells"]["cells"])
    assert means == pytest.approx(facts["counts"]["chips"], rel=0.02)


def test_cells_and_outlines_share_one_plane():
    """A cell's outline drawn as an AOI is where the cell is; a kilometre is as long to the east as to the north."""
    month = months.month(3)
    plane, blocks = month.plane, month.blocks
    ring = np.vstack([blocks.corners[4], blocks.corners[4][:1]])
    as_area = outline({"type": "Polygon", "coordinates": [ring.tolist()]}, plane)
    first = re.match(r"M([\d.]+) ([\d.]+)", cell_paths(blocks, plane)[4]).groups()
    assert as_area.startswith(f"M{first[0]} {first[1]}L")
    points = plane.points(blocks.corners)
    edges = np.linalg.norm(np.roll(points, -1, axis=1) - points, axis=2) / plane.km
    assert edges == pytest.approx(np.full(edges.shape, 2.56), rel=0.01)
    length, km = scale_bar(plane)
    assert length / plane.km == pytest.approx(km)


def test_the_plane_holds_across_180_degrees():
    lonlat = np.array([[179.9, 0.0], [-179.9, 0.0], [-179.9, 0.1]])
    plane = Plane.of(lonlat)
    points = plane.points(lonlat)
    assert points[0, 0] == pytest.approx(0)
    assert points[1, 0] == pytest.approx(1000)
