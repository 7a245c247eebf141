"""Building a world: missing scenes are painted, existing ones stay."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import rasterio
from shapely import Polygon

from infra.world.arguments import DEFAULT_EVENTS, MONTHS, SEED, VERSION, WorldArguments
from infra.world.events.event import FIRE, Event
from infra.world.events.layer import Trace
from infra.world.events.traces import traces_of
from infra.world.ground.landcover import paint_landscape
from infra.world.imaging.passes import passes_of
from infra.world.place import Place, place_of
from infra.world.writing.footprint import geometry_lonlat, polygon_lonlat
from infra.world.writing.items import GENERATOR
from infra.world.writing.scenes import Canvas, item_path, paint_pass, scenes_of, write_json

Progress = Callable[[int, int, str], None]
"""Called with passes done, passes to do, and what has just been done."""

_log = logging.getLogger(__name__)


def build(
    out: Path,
    *,
    months: Sequence[str] = MONTHS,
    seed: int = SEED,
    size: str = "demo",
    events: Sequence[Event] = DEFAULT_EVENTS,
    workers: int = 2,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Paint a world into a folder and return the content of its `world.json`.

    Scenes that this generator has already painted of the same seed, size and events are kept; items of another
    world in the same folder are removed.

    Args:
        out: folder, made if absent.
        months: `yyyy-mm` each.
        seed: of everything random.
        size: `demo` (100 cells) or `tiny` (6 cells).
        events: what changes the ground, and when.
        workers: passes painted at a time.
        progress: called from this thread after every pass.

    Raises:
        WorldError: for a month or size that does not exist, or an event that does not fit.
    """
    place = place_of(size)
    arguments = WorldArguments(size=size, seed=seed, events=tuple(events))
    canvas = Canvas(out=out, place=place, seed=seed, stamp=arguments.stamp)
    overflights = [taken for month in sorted(set(months)) for taken in passes_of(month, size)]
    missing = [
        taken for taken in overflights if not all(_is_done(canvas, item_path(out, s)) for s in scenes_of(place, taken))
    ]
    report = progress or _log_progress
    if missing or not (out / "event.geojson").exists():
        started = time.monotonic()
        land = paint_landscape(seed, place.extent)
        traces = traces_of(arguments.events, place, land, seed)
        _drop_foreign(canvas)
        _write_outlines(canvas, arguments.events, traces)
        report(0, len(missing), f"landscape in {time.monotonic() - started:.0f} s")
        # Blocks are written once and never read again: a large cache would only hold memory.
        with rasterio.Env(GDAL_CACHEMAX=64), ThreadPoolExecutor(workers) as pool:
            tasks = {pool.submit(paint_pass, canvas, land, traces, taken): taken for taken in missing}
            for done, task in enumerate(as_completed(tasks), 1):
                task.result()
                report(done, len(missing), tasks[task].datatake)
    world = {**_summary(canvas), "events": [str(event) for event in arguments.events]}
    write_json(out / "world.json", world)
    return world


def aoi_feature(place: Place) -> dict[str, Any]:
    """Return a place's AOI file: a GeoJSON Feature, the same for every seed."""
    return {
        "type": "Feature",
        "properties": {"name": place.name, "schedule": {"start_month": MONTHS[0]}},
        "geometry": _rounded(polygon_lonlat(Polygon(place.aoi_utm()), place.epsg)),
    }


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    """Return a geometry to six decimals, about 0.1 m: equal wherever PROJ differs in the last bit."""

    def nested(part: Any) -> Any:
        return [nested(each) for each in part] if isinstance(part, list) else round(part, 6)

    return {**geometry, "coordinates": nested(geometry["coordinates"])}


def _write_outlines(canvas: Canvas, events: Sequence[Event], traces: Sequence[Trace]) -> None:
    """Write the AOI and the events: one feature where there is one event, else a collection."""
    write_json(canvas.out / "aoi.geojson", aoi_feature(canvas.place))
    features = [_feature(event, trace, canvas.place.epsg) for event, trace in zip(events, traces, strict=True)]
    collection = {"type": "FeatureCollection", "features": features}
    write_json(canvas.out / "event.geojson", features[0] if len(features) == 1 else collection)


def _feature(event: Event, trace: Trace, epsg: int) -> dict[str, Any]:
    times = {"from": event.start, "to": event.end}
    properties = {
        "name": "burn scar" if event.kind == FIRE else event.kind,
        **{name: moment.isoformat().replace("+00:00", "Z") for name, moment in times.items() if moment},
        "area_km2": round(trace.outline.area / 1e6, 3),
    }
    return {"type": "Feature", "properties": properties, "geometry": geometry_lonlat(trace.outline, epsg)}


def _stamp_of(path: Path) -> str | None:
    """Return the stamp of an item of any world, or None for what is not one."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    stamp = document.get("properties", {}).get("processing:software", {}).get(GENERATOR)
    return None if stamp is None else str(stamp)


def _is_done(canvas: Canvas, path: Path) -> bool:
    return _stamp_of(path) == canvas.stamp


def _drop_foreign(canvas: Canvas) -> None:
    for path in (canvas.out / "items").glob("*.json"):
        if _stamp_of(path) not in (None, canvas.stamp):
            _log.info("removing %s, which another world left", path.name)
            path.unlink()


def _summary(canvas: Canvas) -> dict[str, Any]:
    """Return `world.json`: every scene in the folder, also of months built earlier."""
    documents = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((canvas.out / "items").glob("*.json"))
        if _is_done(canvas, path)
    ]
    scenes = [
        {
            "id": document["id"],
            "collection": document["collection"],
            "datetime": document["properties"]["datetime"],
            "cloud_cover": document["properties"]["eo:cloud_cover"],
        }
        for document in documents
    ]
    months = sorted({scene["datetime"][:7] for scene in scenes})
    return {"version": VERSION, "seed": canvas.seed, "size": canvas.place.name, "months": months, "scenes": scenes}


def _log_progress(done: int, total: int, what: str) -> None:
    _log.info("%s (%s of %s passes)", what, done, total)
