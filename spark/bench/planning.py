"""Seconds and peak memory of making plans, each size in a process of its own: `python -m spark.bench.planning`.

Runs with the packages of an Airflow worker, without Spark and encoder. The lake is empty, the run folder a
plain one, and the catalogue a process on this machine, which answers with items as large as Earth Search's.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claylake.area.aoi import Aoi
from claylake.configuration.settings import Settings
from claylake.plan import RunRef
from claylake.request.params import Request
from claylake.run.planning import make_plan
from spark.bench.area import SOUTH, area_of
from spark.bench.catalogue import MONTH, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyiceberg.catalog.sql import SqlCatalog

SIZES: Final = ((10_000, 1_500), (100_000, 1_500), (1_000_000, 1_500), (1_000_000, 36_000))
"""(cells, items) of each plan."""
MOST_CELLS: Final = 100_000_000
MODEL: Final = {"model_version": "bench", "conventions": ["tutorial"], "precisions": ["fp32"]}
_SPAWN: Final = multiprocessing.get_context("spawn")
DEPLOYED: Final = {
    "region": "us-west-2",
    "log_uri": "s3://bench/logs",
    "service_role": "bench",
    "instance_profile": "bench",
    "subnet_ids": ["subnet-bench"],
}


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One plan. Memory in MB: `before` with all packages imported and nothing done, `peak` at the most.

    `processor`: seconds of the processor in this process; the rest was the catalogue's, or other work's.
    """

    cells: int
    items: int
    candidates: int
    seconds: float
    processor: float
    before: float
    peak: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each size in a process of its own, write a table."""
    parser = argparse.ArgumentParser(prog="python -m spark.bench.planning", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write JSON")
    parser.add_argument(
        "--size", type=int, nargs=2, action="append", metavar=("CELLS", "ITEMS"), help="instead of those of the house"
    )
    arguments = parser.parse_args(argv)
    found = []
    for size in arguments.size or SIZES:
        with ProcessPoolExecutor(1, mp_context=_SPAWN) as apart:
            found.append(apart.submit(measure, *size).result())
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")
    sys.stdout.write(table(found))
    return 0


def table(found: Sequence[Planned]) -> str:
    """The measurements as Markdown."""
    head = ("cells", "items", "candidates", "seconds", "of processor", "MB imported", "MB at most")
    return f"| {' | '.join(head)} |\n{'|---' * len(head)}|\n" + "".join(
        f"| {each.cells:,} | {each.items:,} | {each.candidates:,} "
        f"| {each.seconds:.1f} | {each.processor:.1f} | {each.before:.0f} | {each.peak:.0f} |\n"
        for each in found
    )


def measure(cells: int, items: int) -> Planned:
    """Make one plan in this process, of about that many cells and exactly that many items."""
    aoi = area_of(cells)
    with tempfile.TemporaryDirectory() as folder, _catalogue(aoi, items) as url:
        settings, lake = _settings(Path(folder), url), _empty_lake(folder)
        request = Request(aoi=aoi, months=(MONTH,))
        # A first plan of some cells loads what is imported late.
        small = replace(request, aoi=Aoi.from_bbox([0.0, SOUTH, 0.1, SOUTH + 0.1]), months=(MONTH.next(),))
        make_plan(run=RunRef(dag_id="claylake__bench", run_id="first"), request=small, settings=settings, lake=lake)
        before, started, computed = _peak_mb(), time.monotonic(), time.process_time()
        run = RunRef(dag_id="claylake__bench", run_id="bench")
        plan = make_plan(run=run, request=request, settings=settings, lake=lake)
        seconds, processor, peak = time.monotonic() - started, time.process_time() - computed, _peak_mb()
        lake.engine.dispose()
    return Planned(
        cells=plan.cells,
        items=plan.found.items,
        candidates=plan.estimate.candidates,
        seconds=seconds,
        processor=processor,
        before=before,
        peak=peak,
    )


def _settings(folder: Path, url: str) -> Settings:
    """With the lake and the artefacts in a folder, and the catalogue there."""
    model = folder / "artifacts" / "model" / "bench"
    model.mkdir(parents=True)
    (model / "model.json").write_text(json.dumps(MODEL))
    places = {"lake": str(folder / "lake"), "artifacts": str(folder / "artifacts")}
    settings = Settings.model_validate(
        {
            "catalogue": {"url": url, "page_size": 100},
            "encoder": {"model": "bench"},
            "limits": {"max_cells": MOST_CELLS},
            "deployed": {**DEPLOYED, **{name: f"s3://{name}" for name in places}},
        }
    )
    return settings.model_copy(update={"deployed": settings.on_aws.model_copy(update=places)})


def _empty_lake(folder: str) -> SqlCatalog:
    from pyiceberg.catalog.sql import SqlCatalog

    return SqlCatalog("lake", uri="sqlite:///:memory:", warehouse=f"file://{folder}/tables")


@contextmanager
def _catalogue(aoi: Aoi, items: int) -> Iterator[str]:
    """Address of a STAC API over that many scenes of an area, in a process of its own."""
    here, there = _SPAWN.Pipe()
    process = _SPAWN.Process(target=serve, args=(there, aoi.geometry, items), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def _peak_mb() -> float:
    """Resident memory of this process at the most so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `ru_maxrss`, which on Linux begins with what the process that started this one had.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    sys.exit(main())
