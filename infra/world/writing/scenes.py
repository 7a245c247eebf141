"""Painting a pass and cutting it into scenes: COGs in place first, then the items."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import BANDS_10M, COLLECTION_C1, PIXEL_M
from infra.world.events.layer import Layer, Trace
from infra.world.ground.landcover import Landscape
from infra.world.ground.units import Kind
from infra.world.imaging.classify import classify, percentages
from infra.world.imaging.painting import at_20m, clean_bands, expose, layers_of, veiled
from infra.world.imaging.passes import Pass
from infra.world.noise import Field, generator, halved
from infra.world.place import COARSE_M, Place
from infra.world.writing.bands import SCL_FILE, WAVELENGTHS
from infra.world.writing.cog import write_cog
from infra.world.writing.footprint import centre_lonlat, scene_footprint
from infra.world.writing.items import item
from infra.world.writing.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Where and for which world scenes are painted.

    Attributes:
        out: folder of the world.
        place: its place.
        seed: its seed.
        stamp: marks its scenes; those of other arguments or of another generator have another.
    """

    out: Path
    place: Place
    seed: int
    stamp: str


def scenes_of(place: Place, overflight: Pass) -> list[Scene]:
    """Return the scenes of a pass: its tiles in each collection it is published in."""
    return [
        Scene(place=place, tile=tile, overflight=overflight, collection=collection)
        for collection in overflight.role.collections
        for tile in (place.tiles[:1] if collection == overflight.role.lone else place.tiles)
    ]


def item_path(out: Path, scene: Scene) -> Path:
    """Return where a scene's item lies."""
    return out / "items" / f"{scene.id}.json"


def paint_pass(canvas: Canvas, land: Landscape, traces: Sequence[Trace], overflight: Pass) -> None:
    """Paint all scenes of a pass. A scene's item appears last: where it is, all pixels are.

    Args:
        canvas: where, and of which world.
        land: its landscape.
        traces: what its events leave.
        overflight: the pass.
    """
    scenes = scenes_of(canvas.place, overflight)
    for scene in scenes:
        shutil.rmtree(_draft(canvas, scene), ignore_errors=True)
        _draft(canvas, scene).mkdir(parents=True)
    exposure = expose(canvas.seed, land, overflight, centre_lonlat(canvas.place))
    coarse = at_20m(exposure.weather)
    valid = ~exposure.nodata
    clean: dict[str, Field] = {}
    layers = layers_of(traces, land, overflight)
    for band, field in clean_bands(land, layers, overflight, exposure):
        fine = band in BANDS_10M
        if band in ("red", "nir"):
            clean[band] = halved(field)
        noise = generator(canvas.seed, overflight.datatake, band)
        signed = veiled(band, field, exposure.weather if fine else coarse, noise)
        mask = valid.repeat(2, 0).repeat(2, 1) if fine else valid
        _write(canvas, scenes, signed, mask, WAVELENGTHS[band].band)
    scl = classify(_water(land, layers), clean["red"], clean["nir"], exposure, coarse)
    for scene in scenes:
        part = scl[canvas.place.extent.window(scene.tile.crop, COARSE_M)]
        _cog(canvas, scene, part, SCL_FILE)
        outline = scene_footprint(canvas.place, scene.tile, overflight)
        sun = (exposure.azimuth, exposure.elevation)
        _publish(canvas, scene, item(scene, sun, outline, percentages(part), canvas.stamp))


def _water(land: Landscape, layers: Sequence[Layer]) -> NDArray[np.bool_]:
    """Return where water is, `(row, col)` at 10 m."""
    kind = land.units.kind[land.unit]
    water = (kind == Kind.LAKE) | (kind == Kind.RIVER)
    for layer in layers:
        water[layer.pixels] |= layer.water
    return np.asarray(water)


def stored(signed: NDArray[np.int32], valid: NDArray[np.bool_], collection: str) -> NDArray[np.uint16]:
    """Return DN as a collection stores them: nodata 0, valid pixels at least 1.

    Args:
        signed: DN without an offset, `(row, col)`.
        valid: where the pass has data, of the same shape.
        collection: `sentinel-2-c1-l2a` keeps the processing baseline's offset of 1,000 in the pixels,
            `sentinel-2-l2a` has had it removed.
    """
    offset = 1000 if collection == COLLECTION_C1 else 0
    return np.where(valid, np.clip(signed + offset, 1, 65535), 0).astype(np.uint16)


def _write(canvas: Canvas, scenes: list[Scene], signed: NDArray[np.int32], valid: NDArray[np.bool_], band: str) -> None:
    pixel = PIXEL_M if signed.shape == canvas.place.extent.shape else COARSE_M
    for scene in scenes:
        window = canvas.place.extent.window(scene.tile.crop, pixel)
        _cog(canvas, scene, stored(signed[window], valid[window], scene.collection), f"{band}.tif")


def _cog(canvas: Canvas, scene: Scene, array: NDArray[Any], name: str) -> None:
    crop = scene.tile.crop
    pixel = (crop.north - crop.south) // array.shape[0]
    path = _draft(canvas, scene) / name
    write_cog(path, array, origin=(crop.west, crop.north), pixel=pixel, epsg=canvas.place.epsg)


def _draft(canvas: Canvas, scene: Scene) -> Path:
    return canvas.out / scene.collection / f"{scene.id}.partial"


def _publish(canvas: Canvas, scene: Scene, document: dict[str, Any]) -> None:
    """Move a finished draft into place, then write its item."""
    final = canvas.out / scene.collection / scene.id
    path = item_path(canvas.out, scene)
    path.unlink(missing_ok=True)
    shutil.rmtree(final, ignore_errors=True)
    _draft(canvas, scene).rename(final)
    write_json(path, document)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    Path(draft).replace(path)
