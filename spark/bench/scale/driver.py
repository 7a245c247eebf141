"""What a chip costs the driver, measured on this machine with the house's values and functions, without a JVM."""

from __future__ import annotations

import pickle
import time
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

from spark.extraction.batches import by_scene, deal
from spark.extraction.choosing import CHOICE
from spark.extraction.reading import Part
from spark.extraction.rounds import CellRows
from spark.sentinel2.scl import MEASURES

if TYPE_CHECKING:
    from spark.bench.scale.costs import Costs
    from spark.bench.scale.workload import Workload

SCENES = 8
DATATAKE = "GS2B_20240705T112119_038371_N05.10"
SCENE_JSON = 6_000
"""Bytes of a scene's document, about."""


def measured(costs: Costs, load: Workload, slots: int) -> Costs:
    """The costs with the driver's own of this machine, from the first scenes of the workload.

    Args:
        costs: all others.
        load: whose cells are gathered and dealt.
        slots: among which.
    """
    from pyspark.sql import Row

    made = Row(*CHOICE.names)
    numbers = [(number, scene_id) for scene_id in list(load.wanted)[:SCENES] for number in _numbers(load, scene_id)]
    stored = pickle.dumps(
        [
            made(
                load.cells["cell_id"][number].as_py(),
                DATATAKE,
                scene_id,
                None,
                "read",
                [scene_id],
                None,
                *_distinct(place),
            )
            for place, (number, scene_id) in enumerate(numbers)
        ]
    )
    of_run = CellRows(load.cells)
    tracemalloc.start()
    rows = pickle.loads(stored)  # noqa: S301 made above
    of_rows = tracemalloc.get_traced_memory()[0]
    cells = [of_run.to_read(row) for row in rows]
    of_both = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    began = time.process_time()
    for row in pickle.loads(stored):  # noqa: S301 made above
        of_run.to_read(row)
    gathered = time.process_time()
    sent = [
        pickle.dumps(Part(scene_id=scene_id, scene="x" * SCENE_JSON, radiometry="minus_1000", cells=tuple(members)))
        for scene_id, members in deal(by_scene(cells), slots)
    ]
    dealt = time.process_time()
    return replace(
        costs,
        gather_s=(gathered - began) / len(cells),
        deal_s=(dealt - gathered) / len(cells),
        row_bytes=of_rows / len(cells),
        cell_bytes=(of_both - of_rows) / len(cells),
        sent_bytes=sum(map(len, sent)) / len(cells),
    )


def _numbers(load: Workload, scene_id: str) -> list[int]:
    numbers: list[int] = load.scenes[scene_id].cells.tolist()
    return numbers


def _distinct(place: int) -> list[float]:
    """Measures that are values of their own, as those of pixels are: equal ones would be pickled once."""
    return [place + number / 8 for number in range(len(MEASURES))]
