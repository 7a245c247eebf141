"""What reading takes of the network is counted once, at a cost that does not grow with what was read before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spark.chips.make import make_chips
from spark.reading import gdal
from spark.reading.gdal import Traffic, environment, traffic
from spark.reading.strips import CellIndex
from tests.spark.extract.faults import Files, serving
from tests.spark.extract.imagery import Sheet, noise, paint

SHEET = Sheet(west=156 * 2560, north=1344 * 2560, side=2560)
CELL = CellIndex(col=156, row=1343)
BESIDE = CellIndex(col=157, row=1343)


def test_a_chip_costs_the_same_after_many_files_and_all_requests_count_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = paint(tmp_path, SHEET, noise)
    files = Files(folder=Path(scene.assets["red"].href).parent)
    read: list[int] = []
    loads = json.loads
    monkeypatch.setattr(gdal.json, "loads", lambda text: read.append(len(text)) or loads(text))
    requests, downloaded, costs = 0, 0, []
    with serving(files) as root, environment():
        before = traffic()
        for number in range(100, 106):
            read.clear()
            hrefs = {key: f"{root}/{Path(asset.href).name}?{number}" for key, asset in scene.assets.items()}
            assets = {key: asset.model_copy(update={"href": hrefs[key]}) for key, asset in scene.assets.items()}
            # The second cell lies beyond the files: it has no chip, and its row stands all the same.
            cells = list(make_chips(scene.model_copy(update={"assets": assets}), [CELL, BESIDE, CELL], "as_published"))
            assert [cell.index for cell in cells] == [CELL, BESIDE]
            costs.append(sum(read))
            requests += sum(cell.traffic.requests for cell in cells)
            downloaded += sum(cell.traffic.downloaded for cell in cells)
        assert traffic() - before == Traffic(requests=requests, downloaded=downloaded)
    assert requests == len(files.requests) >= 6 * 11
    assert downloaded >= 6 * sum(path.stat().st_size for path in files.folder.iterdir())
    assert max(costs[1:]) < 1.2 * costs[1], "bytes of GDAL's counters read for a scene, by the number of scenes before"
