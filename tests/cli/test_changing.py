"""The strongest changes of a month, of tables that pyiceberg wrote: order, what is left out, words and pictures."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pytest
from PIL import Image
from typer.testing import CliRunner

from claylake.errors import BadInputError
from claylake.month import Month
from cli import app as module
from cli.changing import ChangeView
from tests.spark.lake import rows

KIND = {"model_version": "demo-random+0123456789ab", "convention": "tutorial"}
CELLS = rows.CELLS_3X3[:3]
SCORES = dict(zip(CELLS, (1.5, None, 6.0), strict=True))


def change(cell, **fields):
    return {
        "cell_id": cell, "month": "2024-08", "baseline_month": "2024-07", "baseline_kind": "previous",
        "id": f"{cell}_{rows.PASS_AUGUST}", "baseline_id": f"{cell}_{rows.PASS_A}",
        "datetime": rows.moment(rows.PASS_AUGUST), "distance": 0.25, "score": SCORES.get(cell, 99.0),
        "history_months": 7, "clear_frac": 1.0, "baseline_clear_frac": 0.95, **KIND, **fields,
    }  # fmt: skip


def picture(grey):
    out = io.BytesIO()
    Image.new("RGB", (256, 256), (grey, grey, grey)).save(out, "TIFF")
    return out.getvalue()


@pytest.fixture
def view(tmp_path):
    from pyiceberg.catalog import load_catalog

    lake = load_catalog("lake", type="sql", uri=f"sqlite:///{tmp_path}/c.sqlite", warehouse=f"file://{tmp_path}/tables")
    lake.create_namespace("claylake")
    made = pa.Table.from_pylist(
        [
            *(change(cell) for cell in CELLS),
            change(CELLS[0], baseline_kind="season", baseline_month="2023-08"),
            change(CELLS[0], model_version="other", score=50.0),
            change(CELLS[0], month="2024-07", datetime=rows.moment(rows.PASS_A)),
            change(rows.CELLS_3X3[5]),
        ]
    )
    kinds = {"distance": pa.float32(), "score": pa.float32(), "history_months": pa.int32()}
    schema = pa.schema([pa.field(each.name, kinds.get(each.name, each.type)) for each in made.schema])
    lake.create_table(("claylake", "changes"), schema=schema).append(made.cast(schema))
    chips = pa.Table.from_pylist([{"id": change(CELLS[2])[name], "geotiff": picture(grey)}
                                  for name, grey in (("baseline_id", 40), ("id", 200))])  # fmt: skip
    lake.create_table(("claylake", "chips"), schema=chips.schema).append(chips)
    place = {"folder": str(tmp_path), "encoder": str(tmp_path)}
    maker = rows.PlanMaker(lake=f"file://{tmp_path}", database="claylake")
    plan = maker(cells=CELLS, months=("2024-08",), deployed=None, local=place)
    return ChangeView(lake=lake, plan=plan, month=Month.parse("2024-08"))


def test_the_strongest_come_first_and_what_is_of_no_interest_is_left_out(view):
    found = view.strongest("previous", 2)
    assert [one.cell_id for one in found.strongest] == [CELLS[2], CELLS[0]]
    assert found.compared == 3
    assert [one.cell_id for one in view.strongest("previous", 9).strongest] == [CELLS[2], CELLS[0], CELLS[1]]
    assert [one.baseline_month for one in view.strongest("season", 9).strongest] == ["2023-08"]


def test_a_month_without_changes_is_bad_input(view):
    with pytest.raises(BadInputError, match="no earlier month"):
        ChangeView(lake=view.lake, plan=view.plan, month=Month.parse("2024-09")).strongest("previous", 3)


def test_before_and_after_are_side_by_side_and_chips_no_longer_kept_are_grey(view, tmp_path):
    path = tmp_path / "pairs.png"
    assert "2 cells" in view.draw(view.strongest("previous", 2).strongest, path)
    with Image.open(path) as drawn:
        assert [drawn.getpixel((100, 150)), drawn.getpixel((400, 150))] == [(40,) * 3, (200,) * 3]
        assert drawn.getpixel((100, 430)) == (214, 214, 214)
    with pytest.raises(BadInputError, match="ends in"):
        view.draw((), tmp_path / "pairs.gif")


def test_lines_for_people_and_a_document_for_programs(view, tmp_path, monkeypatch):
    monkeypatch.setattr(module.ChangeView, "of", lambda *_: view)
    command = ["change", "--month", "2024-08", "--lake", str(tmp_path / "lake")]
    said = CliRunner().invoke(module.app, command).output
    assert f"{CELLS[2]} since 2024-07: score 6.0 by 7 months, 0.2500 apart, 95% and 100% clear" in said
    assert "no score" in said
    document = json.loads(CliRunner().invoke(module.app, [*command, "--json", "--top", "1"]).output)
    assert (document["compared"], document["strongest"][0]["score"]) == (3, 6.0)
    with_picture = CliRunner().invoke(module.app, [*command, "--out", str(tmp_path / "pairs.png")])
    assert with_picture.exit_code == 0, with_picture.output
    assert (tmp_path / "pairs.png").exists()
