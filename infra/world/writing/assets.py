"""Assets of an item: bands and scene classification, keyed and described as Earth Search does."""

from typing import Any

from claylake.vocabulary import BANDS_10M, COLLECTION_C1, PIXEL_M, SCL_ASSET
from infra.world.place import COARSE_M
from infra.world.writing.bands import SCL_FILE, WAVELENGTHS, Wavelength
from infra.world.writing.scene import Scene

_TIFF = "image/tiff; application=geotiff; profile=cloud-optimized"


def assets(scene: Scene) -> dict[str, Any]:
    """Return a scene's assets, with hrefs relative to the folder of items."""
    return {**{name: _band(scene, name) for name in WAVELENGTHS}, SCL_ASSET: _scl(scene)}


def _grid(scene: Scene, pixel: int) -> dict[str, Any]:
    rows, cols = scene.tile.crop.shape
    part = pixel // PIXEL_M
    return {"proj:shape": [rows // part, cols // part], "proj:transform": list(scene.tile.crop.transform(pixel))}


def _band(scene: Scene, name: str) -> dict[str, Any]:
    wave = WAVELENGTHS[name]
    pixel = PIXEL_M if name in BANDS_10M else COARSE_M
    # Both collections claim the offset; in sentinel-2-l2a the pixels no longer have it.
    raster = {"nodata": 0, "data_type": "uint16", "spatial_resolution": pixel, "scale": 0.0001, "offset": -0.1}
    if scene.old:
        raster["bits_per_sample"] = 15
    return {
        "href": f"../{scene.collection}/{scene.id}/{wave.band}.tif",
        "type": _TIFF,
        "title": f"{wave.title} - {pixel}m",
        "eo:bands": [_described(wave, name, scene)],
        "gsd": pixel,
        **_grid(scene, pixel),
        "raster:bands": [raster],
        "roles": ["data", "reflectance"],
    }


def _described(wave: Wavelength, name: str, scene: Scene) -> dict[str, Any]:
    return {
        "name": wave.band if scene.collection == COLLECTION_C1 else name,
        "common_name": "rededge" if name.startswith("rededge") else name,
        "center_wavelength": wave.centre,
        "full_width_half_max": wave.width,
    }


def _scl(scene: Scene) -> dict[str, Any]:
    return {
        "href": f"../{scene.collection}/{scene.id}/{SCL_FILE}",
        "type": _TIFF,
        "title": "Scene classification map (SCL)",
        **_grid(scene, COARSE_M),
        "raster:bands": [{"nodata": 0, "data_type": "uint8", "spatial_resolution": COARSE_M}],
        "roles": ["data", "reflectance"] if scene.old else ["data"],
    }
