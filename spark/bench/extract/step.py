"""The whole step in Spark on this machine, over the array code alone: a lake in a folder, scenes on disk, two cores."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claylake import store
from claylake.area.grid import Cell
from claylake.catalogue.manifest import write_manifest
from claylake.catalogue.packed import PackedScene
from claylake.plan import MANIFEST
from claylake.vocabulary import CELL_M
from spark.bench.extract import array
from spark.bench.extract.process import NEW, together
from spark.bench.extract.row import Row
from spark.bench.extract.scene import EPSG
from spark.bench.place import CORES, plan_of, started

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from claylake.catalogue.scene import Scene
    from claylake.plan import Plan
    from spark.reading.strips import CellIndex

_READING = "read chips"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One extract step: chips made, its seconds, those of its jobs that read pixels, and bytes of tables and written.

    `written_mb`: by the JVM and its Python workers, `worker_mb`: memory of one of these at the most; where the system
    counts it, else 0.
    """

    chips: int
    seconds: float
    reading_s: float
    jobs: int
    stored_mb: float
    written_mb: float
    worker_mb: float


def rows(scene: Scene, cells: list[CellIndex], folder: Path, jars: Path, *, scenes: Sequence[int]) -> Iterator[Row]:
    """Steps of some numbers of scenes, over two processes of the array code that make the same cells.

    Args:
        scene: on disk.
        cells: of it.
        folder: an empty one, for the lake.
        jars: folder of Iceberg's and Sedona's jars.
        scenes: numbers of scenes; each is the same files as another pass.
    """
    took = together(CORES, array.chips, scene, cells)
    alone = CORES * len(cells) / max(each.seconds for each in took)
    # A process of its own: this one may have a session already.
    with ProcessPoolExecutor(1, mp_context=NEW) as pool:
        steps = pool.submit(_steps, scene, cells, folder, jars, scenes).result()
    for number, step in zip(scenes, steps, strict=True):
        yield from _compared(step, alone, number)


def _steps(scene: Scene, cells: list[CellIndex], folder: Path, jars: Path, scenes: Sequence[int]) -> list[Step]:
    spark = started(folder, jars)
    try:
        # Starts Python's workers, and has the JVM compile what the steps run.
        _measured(spark, _plan(folder, "warm", cells[:64], [_pass(scene, number) for number in range(CORES)]))
        plans = [_plan(folder, f"of_{each}", cells, [_pass(scene, one) for one in range(each)]) for each in scenes]
        return [_measured(spark, plan) for plan in plans]
    finally:
        spark.stop()


def _compared(took: Step, alone: float, scenes: int) -> Iterator[Row]:
    of = f"{scenes} scene{'s' * (scenes > 1)}"
    details = {
        "chips": took.chips,
        "step s": took.seconds,
        "reading s": took.reading_s,
        "jobs": took.jobs,
        "array code, two processes, chips/s": alone,
        "stored MB": took.stored_mb,
    }
    yield Row(
        what=f"batches of {of} through Spark over the array code",
        value=took.chips / took.reading_s / alone,
        goal=">= 0.9",
        details=details,
    )
    goal = ">= 0.6" if scenes == 1 else ">= 0.8"
    yield Row(what=f"step of {of} over the array code", value=took.chips / took.seconds / alone, goal=goal)
    if took.written_mb:
        details = {"written MB": took.written_mb}
        written = took.written_mb / took.stored_mb
        yield Row(what=f"bytes written over bytes stored, {of}", value=written, goal="<= 1.2", details=details)
        yield Row(what=f"memory of a worker in a step of {of}, MB", value=took.worker_mb, goal="<= 700")


def _measured(spark: SparkSession, plan: Plan) -> Step:
    from spark.extraction.run import extract

    before, jobs, clock = _written_mb(), len(_jobs(spark)), time.monotonic()
    report = extract(spark, plan)
    seconds = time.monotonic() - clock
    if report.warnings or report.chips != plan.estimate.chips:
        raise RuntimeError(f"{report.message}; {', '.join(report.warnings)}: rates would not compare")
    new = _jobs(spark)[jobs:]
    stored = sum(store.sizes(f"{plan.warehouse}/{plan.database}").values()) / 1e6
    written = _written_mb() - before
    return Step(
        chips=report.chips,
        seconds=seconds,
        reading_s=sum(job_s for description, job_s in new if description == _READING),
        jobs=len(new),
        stored_mb=stored,
        written_mb=written,
        worker_mb=_worker_mb(),
    )


def _jobs(spark: SparkSession) -> list[tuple[str, float]]:
    """Description and seconds of each job so far, in order."""
    context: Any = spark.sparkContext._jsc.sc()  # noqa: SLF001
    context.listenerBus().waitUntilEmpty()
    listed = context.statusStore().jobsList(None)
    found = []
    for place in range(listed.size()):
        job = listed.apply(place)
        times = [time_of.get().getTime() for time_of in (job.submissionTime(), job.completionTime())]
        description = job.description().get() if job.description().isDefined() else ""
        found.append((job.jobId(), description, (times[1] - times[0]) / 1000))
    return [(description, seconds) for _, description, seconds in sorted(found)]


def _children() -> Iterator[Path]:
    """Folders in /proc of this process's descendants: the JVM, and its Python workers. None on other systems."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    for process in parents.keys() - {os.getpid()}:
        above = process
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid():
            yield Path(f"/proc/{process}")


def _number(folder: Path, file: str, name: str) -> int:
    """A number that the system keeps of a process; 0 where it has ended."""
    with suppress(OSError, StopIteration):
        lines = (folder / file).read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
    return 0


def _written_mb() -> float:
    """What the JVM and its Python workers have written: to files, to sockets, to each other."""
    return sum(_number(folder, "io", "wchar") for folder in _children()) / 1e6


def _worker_mb() -> float:
    """Memory of the largest Python worker, at its most."""
    workers = (folder for folder in _children() if (folder / "comm").read_text().startswith("python"))
    return max((_number(folder, "status", "VmHWM") / 1024 for folder in workers), default=0.0)


def _table(cells: Sequence[CellIndex]) -> pa.Table:
    """The cells as a run folder has them."""
    import pyarrow as pa
    import pygeohash
    import shapely
    from pyproj import Transformer

    back = Transformer.from_crs(EPSG, 4326, always_xy=True)
    rows = []
    for cell in cells:
        corners = [(cell.col + x, cell.row + y) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
        square = shapely.Polygon([back.transform(col * CELL_M, row * CELL_M) for col, row in corners])
        lon, lat = back.transform((cell.col + 0.5) * CELL_M, (cell.row + 0.5) * CELL_M)
        of_cell: dict[str, object] = {"cell_id": Cell(epsg=EPSG, col=cell.col, row=cell.row).id, "epsg": EPSG}
        of_cell |= {"col": cell.col, "row": cell.row, "lon": lon, "lat": lat}
        of_cell |= {"geohash": pygeohash.encode(lat, lon, precision=7), "geometry": shapely.to_wkb(square)}
        rows.append(of_cell | dict(zip(("xmin", "ymin", "xmax", "ymax"), square.bounds, strict=True)))
    return pa.Table.from_pylist(rows)


def _pass(scene: Scene, number: int) -> Scene:
    """The same files as another pass, with a footprint around all of it, processed before there was an offset."""
    moment = scene.datetime.replace(day=1) + timedelta(days=number)
    pass_id = f"S2A_{moment:%Y%m%dT%H%M%S}"
    box = [(-12.0, 33.0), (-6.0, 33.0), (-6.0, 28.0), (-12.0, 28.0), (-12.0, 33.0)]
    changes = {
        "id": f"{pass_id}_L2A",
        "pass_id": pass_id,
        "datetime": moment,
        "collection": "sentinel-2-l2a",
        "baseline": "03.01",
        "footprint": {"type": "Polygon", "coordinates": [box]},
    }
    return scene.model_copy(update=changes)


def _plan(folder: Path, name: str, cells: Sequence[CellIndex], scenes: Sequence[Scene]) -> Plan:
    plan = plan_of(folder, name, _table(cells), f"{scenes[0].datetime:%Y-%m}", scenes=len(scenes))
    write_manifest(plan.uri(MANIFEST), map(PackedScene.of, scenes))
    return plan
