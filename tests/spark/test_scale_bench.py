"""The simulation of a step deals, counts and times what a run would, by costs that can be summed by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from claylake.vocabulary import BANDS_10M, CELL_M
from spark.bench.area import area_of
from spark.bench.extract.array import KEYS
from spark.bench.scale import simulate as simulation
from spark.bench.scale.__main__ import main
from spark.bench.scale.costs import Costs, Limits, Requests, with_rates
from spark.bench.scale.report import found, shape, slots_of
from spark.bench.scale.simulate import dealt, simulate
from spark.bench.scale.workload import BLOCK_PX, SQUARE_M, blocks_of, workload
from spark.extraction import batches as dealing

if TYPE_CHECKING:
    from spark.bench.scale.workload import Workload

CHIPS, PASSES = 9_000, 3
COSTS = Costs()


@pytest.fixture(scope="module")
def load() -> Workload:
    return workload(area_of(4_000), CHIPS, passes=PASSES)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small workload has several."""
    monkeypatch.setattr(dealing, "MOST_BYTES", 3_000 * dealing.CHIP_BYTES)


def test_the_month_has_the_chips_that_are_wanted_each_cell_once_a_pass(load):
    assert sum(load.wanted.values()) == CHIPS
    seen = [(name.rsplit("_", 3)[1], number) for name, scene in load.scenes.items() for number in scene.cells.tolist()]
    assert len(set(seen)) == len(seen) == CHIPS
    assert len({moment for moment, _ in seen}) == PASSES
    assert all(len(scene.cells) <= scene.candidates for scene in load.scenes.values())


def test_more_chips_than_cells_and_passes_are_refused():
    with pytest.raises(ValueError, match="at most one a cell and pass"):
        workload(area_of(100), 10_000, passes=2)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(("slots", "cut"), [(1, 1), (7, 1), (300, 1), (7, 4)])
def test_every_chip_is_dealt_once_and_every_partition_of_a_scene_is_one_file(load, slots, cut):
    work = dealt(load, slots, cut=cut)
    assert len(work) > 2
    assert sum(batch.chips for batch in work) == CHIPS
    assert sum(batch.scenes for batch in work) == len(load.wanted)
    files = sum(len({cell.geohash[:4] for cell in load.of(scene_id)}) for scene_id in load.wanted)
    assert sum(batch.files for batch in work) == files


def test_blocks_are_those_of_every_file_of_the_tile(load):
    cells = load.of(max(load.wanted, key=load.wanted.__getitem__))
    met = set()
    for key in KEYS:
        across = BLOCK_PX * (10 if key in BANDS_10M else 20)
        for cell in cells:
            west, north = cell.col * CELL_M // SQUARE_M * SQUARE_M, -(-(cell.row + 1) * CELL_M // SQUARE_M) * SQUARE_M
            left, top = cell.col * CELL_M - west, north - (cell.row + 1) * CELL_M
            met |= {(key, (top + y) // across, (left + x) // across) for x in (0, CELL_M - 1) for y in (0, CELL_M - 1)}
    assert blocks_of(cells) == len(met)


@pytest.mark.usefixtures("small_batches")
def test_one_slot_takes_the_sum_of_all_parts_when_nothing_overlaps(load):
    costs = replace(COSTS, gather_s=0.0, commit_s=0.0, commit_file_s=0.0)
    work = dealt(load, 1)
    run = simulate(load, work, 1, costs)
    tasks = [task for batch in work for task in batch.tasks]
    alone = sum(costs.slow * (costs.open_s + task.blocks * costs.block_s + task.chips * costs.chip_s) for task in tasks)
    assert run.reading == pytest.approx(costs.worker_s + alone + CHIPS * costs.deal_s)
    assert run.idle == pytest.approx(1 - alone / run.reading)
    assert run.observing == pytest.approx(sum(seen.candidates for seen in load.scenes.values()) * costs.observe_s)


@pytest.mark.usefixtures("small_batches")
def test_a_batch_is_gathered_and_committed_while_another_is_read(load):
    """Where commits take longer than reading, they follow each other, each after its cells were gathered."""
    costs = replace(COSTS, commit_s=10_000.0, commit_file_s=0.0, gather_s=0.1)
    work = dealt(load, 50)
    run = simulate(load, work, 50, costs)
    assert run.reading == pytest.approx(CHIPS * 0.1 + len(work) * 10_000, rel=0.01)
    hidden = simulate(load, work, 50, replace(COSTS, gather_s=0.0, deal_s=0.0))
    read = sum(one.read - one.begun for one in hidden.batches)
    assert hidden.reading == pytest.approx(read + simulation.commit_s(work[-1].files, COSTS))


@pytest.mark.usefixtures("small_batches")
def test_more_nodes_are_never_slower(load):
    runs = [simulate(load, dealt(load, slots), slots, COSTS) for slots in (1, 7, 28, 112)]
    assert [run.reading for run in runs] == sorted((run.reading for run in runs), reverse=True)
    assert runs[0].reading > 3 * runs[1].reading


def test_what_breaks_first_is_the_limit_of_which_most_is_used(load):
    cluster = shape(8)
    assert slots_of(cluster) == 56
    run = simulate(load, dealt(load, 56), 56, COSTS)

    def of(limits: Limits) -> str:
        return found(load, run, {}, cluster, COSTS, limits, Requests()).breaks_first

    assert of(Limits(put_s=1e-6)).startswith("PUT/s")
    assert of(Limits(python_mb=1.0)).startswith("memory")
    assert of(Limits(nodes=1e-3)).startswith("nodes")


def test_rates_of_the_other_benchmark_are_those_of_a_full_tile():
    rates = {"chips/s of a core": 50.0, "pixels/s of a core": 125.0}
    costs = with_rates(COSTS, [{"what": "chips over windows kept open, two processes", "details": rates}])
    assert costs.chip_s * 1764 + costs.block_s * 736 == pytest.approx(1764 / 50)
    assert costs.slow * 1764 / 50 == pytest.approx(1764 / 20)
    with pytest.raises(ValueError, match="make bench-extract"):
        with_rates(COSTS, [])


def test_the_command_writes_its_figures(tmp_path, capsys):
    out = tmp_path / "found" / "scale.json"
    assert main(["--cells", "2000", "--chips", "5000", "--nodes", "1", "2", "--out", str(out)]) == 0
    document = json.loads(out.read_text())
    assert set(document) == {"runs", "costs", "limits", "requests"}
    for runs in document["runs"].values():
        assert [(run["nodes"], run["slots"], run["chips"]) for run in runs] == [(1, 7, 5_000), (2, 14, 5_000)]
        assert all(run["breaks_first"] in run["limits"] for run in runs)
    assert 0 < document["costs"]["gather_s"] < 0.01
    assert "**breaks first**" in capsys.readouterr().out
