"""The benchmark of plans makes the plan that it reports, from every item of its catalogue."""

import json

import pytest

from claylake.area.size import expected_cells
from spark.bench.area import area_of
from spark.bench.planning import main

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cells", [1_000, 1_000_000])
def test_areas_have_about_the_cells_named(cells):
    assert expected_cells(area_of(cells).geometry) == pytest.approx(cells, rel=0.1)


def test_each_size_is_planned_in_a_process_of_its_own(tmp_path, capsys):
    out = tmp_path / "found" / "plan.json"
    assert main(["--size", "1000", "250", "--out", str(out)]) == 0
    [found] = json.loads(out.read_text())
    assert (found["items"], found["seconds"] > 0) == (250, True)
    assert found["cells"] == pytest.approx(1000, rel=0.1)
    assert found["candidates"] > found["cells"]
    assert 0 < found["before"] < found["peak"]
    assert "| MB at most |" in capsys.readouterr().out
