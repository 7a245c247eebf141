"""Whether this machine can make a month, and with ``--live`` whether the catalogue and its files can be read."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from claylake.catalogue.scene import Scene
from claylake.catalogue.search import area_to_meet, search_items
from claylake.catalogue.selecting import Criteria, select_scenes
from claylake.errors import ClaylakeError
from claylake.vocabulary import CELL_M, SCL_ASSET
from cli.encoder import find_encoder
from cli.errors import MachineError
from cli.machine import Machine, java_home, missing_jars, user_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from claylake.area.aoi import Aoi
    from claylake.configuration.settings import Settings
    from claylake.month import Month
    from cli.lake import LakeFolder

State = Literal["ok", "note", "missing"]
_LEAST_FREE_GB: Final = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing about this machine: `missing` keeps months from being made, `note` does not."""

    name: str
    state: State
    text: str


def examine(lake: LakeFolder, encoder: str) -> Iterator[Finding]:
    """What this machine has.

    Args:
        lake: that is to be worked on.
        encoder: name or folder.
    """
    yield Finding(name="python", state="ok", text=".".join(map(str, sys.version_info[:3])))
    yield _tried("java", java_home)
    machine = Machine.here()
    size = f"{machine.cores} processors, {machine.memory_gb:.1f} GiB: {machine.slots} tasks at once"
    yield Finding(name="machine", state="ok" if machine.memory_gb >= 4 else "note", text=size)
    gpus = f"{machine.gpus} GPUs that CUDA sees" if machine.gpus else "no GPU that CUDA sees: the processors embed"
    yield Finding(name="gpu", state="ok", text=gpus)
    missing = missing_jars(user_cache())
    text = f"the first run fetches {', '.join(missing)}" if missing else "all are in the user's cache"
    yield Finding(name="jars", state="note" if missing else "ok", text=text)
    yield _tried("encoder", lambda: str(find_encoder(encoder)))
    above = next(folder for folder in (lake.path, *lake.path.parents) if folder.exists())
    free = shutil.disk_usage(above).free / 1e9
    yield Finding(name="disk", state="ok" if free >= _LEAST_FREE_GB else "note", text=f"{free:,.0f} GB free at {above}")
    where = f"{lake.path}" + ("" if lake.exists() else ": not made yet; `claylake init` or `claylake run` makes it")
    yield Finding(name="lake", state="ok" if lake.exists() else "note", text=where)


def try_live(aoi: Aoi, settings: Settings, months: Sequence[Month]) -> Iterator[Finding]:
    """One search, one range read of each collection found, and what is decided of its radiometry; no lake.

    Args:
        aoi: to search.
        settings: whose catalogue is searched.
        months: to search.
    """
    url = settings.catalogue.url
    started = time.monotonic()
    try:
        items = list(search_items(settings.catalogue, aoi.geometry, months, settings.selection.collections))
    except ClaylakeError as error:
        yield Finding(name="search", state="missing", text=str(error))
        return
    criteria = Criteria(months=months, max_scene_cloud=100.0, settled=(), area=area_to_meet(aoi.geometry))
    kept = select_scenes(items, criteria)
    seconds = time.monotonic() - started
    text = f"{len(items)} items of {months[0]} at {url} in {seconds:.1f} s, {kept.found.kept} usable"
    unusable = ", ".join(f"{count} {reason}" for reason, count in kept.found.unusable.items())
    state: State = "ok" if kept.found.kept else "missing"
    yield Finding(name="search", state=state, text=text + (f" (unusable: {unusable})" if unusable else ""))
    for scene in _one_of_each_collection(Scene.model_validate_json(packed.line) for packed in kept.scenes):
        yield _read(scene)


def _tried(name: str, find: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, state="ok", text=find())
    except (MachineError, ClaylakeError) as error:
        return Finding(name=name, state="missing", text=str(error))


def _one_of_each_collection(scenes: Iterator[Scene]) -> Iterator[Scene]:
    seen: set[str] = set()
    for scene in scenes:
        if scene.collection not in seen:
            seen.add(scene.collection)
            yield scene


def _read(scene: Scene) -> Finding:
    """The scene classification of one cell in the middle of a scene."""
    from spark.reading.band import Band
    from spark.reading.errors import ReadError
    from spark.reading.gdal import traffic
    from spark.sentinel2.radiometry import decide_radiometry

    decision = decide_radiometry(scene)
    decided = f"radiometry {decision.radiometry} ({decision.rule})"
    before, started = traffic(), time.monotonic()
    try:
        with Band(SCL_ASSET, scene.assets[SCL_ASSET], epsg=scene.epsg) as band:
            raster = band.raster
            height, width = (pixels * raster.pixel_m for pixels in raster.shape)
            col, row = int((raster.west + width / 2) // CELL_M), int((raster.north - height / 2) // CELL_M)
            codes = band.strip(col=col, row=row, cells=1)
    except ReadError as error:
        return Finding(name="read", state="missing", text=f"{scene.id}: {error}")
    spent = traffic() - before
    cost = f"{spent.requests} requests, {spent.downloaded / 1e6:.2f} MB, {time.monotonic() - started:.1f} s"
    data = f"{(codes != 0).mean():.0%} of a cell's classification has data"
    return Finding(name="read", state="ok", text=f"{scene.id} ({scene.collection}): {data}; {cost}; {decided}")
