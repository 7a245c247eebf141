"""Whether the catalogue and its files can be read: one search, one range read of each collection found, and no lake."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from claylake.catalogue.offers import offers
from claylake.catalogue.scene import Scene
from claylake.catalogue.search import area_to_meet, has_any, search_items
from claylake.catalogue.selecting import Criteria, Selected, select_scenes
from claylake.errors import ClaylakeError
from claylake.vocabulary import CELL_M, SCL_ASSET
from cli.doctor import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claylake.area.aoi import Aoi
    from claylake.configuration.settings import Catalogue, Settings
    from claylake.month import Month

_MOST_RETRIES: Final = 2
"""A person waits, and wants to know how the catalogue answers, not to get through to it."""
_MOST_TRIES: Final = 2


def try_live(aoi: Aoi, settings: Settings, months: Sequence[Month]) -> Iterator[Finding]:
    """Search, read, and what is decided of each scene's radiometry.

    Args:
        aoi: to search.
        settings: whose catalogue is searched.
        months: to search.
    """
    wanted, given = settings.selection.collections, settings.catalogue
    catalogue = given.model_copy(update={"retries": min(given.retries, _MOST_RETRIES)})
    criteria = Criteria(months=months, max_scene_cloud=100.0, settled=(), area=area_to_meet(aoi.geometry))
    started = time.monotonic()
    try:
        kept = select_scenes(search_items(catalogue, aoi.geometry, months, wanted), criteria)
    except ClaylakeError as error:
        yield Finding(name="search", state="missing", text=f"{_period(months)} of {catalogue.url}: {error}")
        return
    seconds = time.monotonic() - started
    yield _searched(kept, catalogue, months, seconds)
    scenes = [Scene.model_validate_json(packed.line) for packed in kept.scenes]
    first = {scene.collection: scene for scene in reversed(scenes)}
    yield from _absent(catalogue, [name for name in wanted if name not in first], found=bool(kept.found.items))
    if not kept.found.items:
        yield _nothing(aoi, catalogue, wanted, months)
    for name in wanted:
        if name in first:
            yield _read(first[name], given.radiometry)


def _searched(kept: Selected, catalogue: Catalogue, months: Sequence[Month], seconds: float) -> Finding:
    found = kept.found
    left = {**found.unusable, "of another month": found.other_month}
    said = ", ".join(f"{count} {reason}" for reason, count in left.items() if count)
    text = f"{found.items} items of {_period(months)} at {catalogue.url} in {seconds:.1f} s, {found.kept} usable"
    return Finding(
        name="search", state="ok" if found.kept else "missing", text=text + (f" (the others: {said})" if said else "")
    )


def _absent(catalogue: Catalogue, names: Sequence[str], *, found: bool) -> Iterator[Finding]:
    """Collections without a scene that the catalogue does not have: a search of one is an ordinary, empty answer."""
    for name in names:
        if offers(catalogue, name) is False:
            advice = "check catalogue.url, or leave it out of selection.collections"
            text = f"{catalogue.url} has no collection {name}: {advice}"
            yield Finding(name="collection", state="note" if found else "missing", text=text)


def _nothing(aoi: Aoi, catalogue: Catalogue, wanted: Sequence[str], months: Sequence[Month]) -> Finding:
    try:
        ever = has_any(catalogue, aoi.geometry, wanted)
    except ClaylakeError:
        ever = None
    text = f"no scene of {' or '.join(wanted)} meets the area {aoi.name} in {_period(months)}"
    if ever:
        text += "; there are some at other times: give another --month"
    elif ever is False:
        text += ", nor at any other time: is the area (lon, lat) the right one?"
    return Finding(name="scenes", state="missing", text=text)


def _period(months: Sequence[Month]) -> str:
    return f"{months[0]}" if len(months) == 1 else f"{months[0]}/{months[-1]}"


def _read(scene: Scene, radiometry: Mapping[str, str]) -> Finding:
    """The scene classification of one cell in the middle of a scene."""
    from spark.reading.band import Band
    from spark.reading.errors import ReadError
    from spark.reading.gdal import traffic
    from spark.sentinel2.radiometry import Evidence, settle

    decision = settle(scene, Evidence(), radiometry)
    decided = f"radiometry {decision.radiometry} ({decision.rule})" + (f"; {decision.doubt}" if decision.doubt else "")
    before, started = traffic(), time.monotonic()
    try:
        with Band(SCL_ASSET, scene.assets[SCL_ASSET], epsg=scene.epsg, most_tries=_MOST_TRIES) as band:
            raster = band.raster
            height, width = (pixels * raster.pixel_m for pixels in raster.shape)
            col, row = int((raster.west + width / 2) // CELL_M), int((raster.north - height / 2) // CELL_M)
            codes = band.strip(col=col, row=row, cells=1)
    except ReadError as error:
        return Finding(name="read", state="missing", text=f"{scene.id} ({scene.collection}): {error}; {decided}")
    spent = traffic() - before
    cost = f"{spent.requests} requests, {spent.downloaded / 1e6:.2f} MB, {time.monotonic() - started:.1f} s"
    data = f"{(codes != 0).mean():.0%} of a cell's classification has data"
    return Finding(name="read", state="ok", text=f"{scene.id} ({scene.collection}): {data}; {cost}; {decided}")
