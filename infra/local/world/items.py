"""STAC items in the dialects of Earth Search's two Sentinel-2 L2A collections."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shapely import Polygon

from infra.local.world.bands import SCL_FILE, WAVELENGTHS, Wavelength
from infra.local.world.footprint import polygon_lonlat
from infra.local.world.painting import TEN_METRE
from infra.local.world.passes import C1, L2A, Pass
from infra.local.world.place import Place, Tile

BASELINE, OLD_BASELINE = "05.11", "05.10"
_EXTENSIONS = ("mgrs/v1.0.0", "view/v1.0.0", "raster/v1.1.0", "eo/v1.1.0", "grid/v1.1.0", "processing/v1.1.0")
_TIFF = "image/tiff; application=geotiff; profile=cloud-optimized"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One STAC item to be: a tile of a pass in a collection.

    Attributes:
        place: where it lies.
        tile: which tile it shows.
        overflight: the pass.
        collection: where it is published.
    """

    place: Place
    tile: Tile
    overflight: Pass
    collection: str

    @property
    def id(self) -> str:
        """Item id in the collection's style."""
        taken = self.overflight
        if self.collection == C1:
            return f"{taken.platform}_T{self.tile.name}_{self.strip_start:%Y%m%dT%H%M%S}_L2A"
        return f"{taken.platform}_{self.tile.name}_{taken.start:%Y%m%d}_0_L2A"

    @property
    def strip_start(self) -> datetime:
        """Start of the datastrip: what c1 ids carry, some minutes into the datatake."""
        return self.overflight.start + timedelta(minutes=4, seconds=3)

    @property
    def seen(self) -> datetime:
        """Sensing time: tiles of one pass are seconds apart, the eastern one first."""
        east = self.tile is self.place.tiles[1]
        return self.overflight.start + timedelta(minutes=4, seconds=36 if east else 39, milliseconds=417)

    @property
    def old(self) -> bool:
        """Whether the item speaks the older dialect."""
        return self.collection == L2A and self.overflight.role.dialect == "old"


def item(
    scene: Scene, sun: tuple[float, float], outline: Polygon, shares: dict[str, float], stamp: str
) -> dict[str, Any]:
    """Return the STAC item of a scene, with asset hrefs relative to `DIR/items`.

    Args:
        scene: what it shows.
        sun: azimuth and elevation, degrees.
        outline: where it has data, projected metres.
        shares: `eo:cloud_cover` and `s2:*_percentage` as counted in the SCL.
        stamp: which generator and seed painted it.
    """
    geometry = polygon_lonlat(outline, scene.place.epsg)
    lon, lat = zip(*geometry["coordinates"][0], strict=True)
    version = "v1.1.0" if scene.collection == L2A else "v2.0.0"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            f"https://stac-extensions.github.io/{name}/schema.json" for name in (*_EXTENSIONS, f"projection/{version}")
        ],
        "id": scene.id,
        "collection": scene.collection,
        "geometry": geometry,
        "bbox": [min(lon), min(lat), max(lon), max(lat)],
        "properties": _properties(scene, sun, outline, shares, stamp),
        "links": [],
        "assets": {**{name: _band(scene, name) for name in WAVELENGTHS}, "scl": _scl(scene)},
    }


def _properties(
    scene: Scene, sun: tuple[float, float], outline: Polygon, shares: dict[str, float], stamp: str
) -> dict[str, Any]:
    taken, tile = scene.overflight, scene.tile
    baseline = OLD_BASELINE if scene.old else BASELINE
    short = baseline.replace(".", "")
    made = taken.start + timedelta(hours=6, minutes=7, seconds=54)
    updated = taken.start + timedelta(days=taken.role.late_days, hours=9, minutes=41)
    strip = f"{made:%Y%m%dT%H%M%S}_S{scene.strip_start:%Y%m%dT%H%M%S}_N{baseline}"
    granule = f"{taken.platform}_OPER_MSI_L2A_TL_2APS_{made:%Y%m%dT%H%M%S}"
    out: dict[str, Any] = {
        "created": _text(taken.start + timedelta(hours=9, minutes=41)),
        "updated": _text(updated),
        "datetime": _text(scene.seen),
        "platform": "sentinel-2a" if taken.platform == "S2A" else "sentinel-2b",
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "mgrs:utm_zone": tile.zone,
        "mgrs:latitude_band": tile.band,
        "mgrs:grid_square": tile.square,
        "grid:code": f"MGRS-{tile.name}",
        "view:sun_azimuth": round(sun[0], 6),
        "view:sun_elevation": round(sun[1], 6),
        "s2:degraded_msi_data_percentage": 0,
        **shares,
        "s2:product_type": "S2MSI2A",
        "s2:processing_baseline": baseline,
        "s2:product_uri": f"{taken.platform}_MSIL2A_{taken.start:%Y%m%dT%H%M%S}_N{short}_R065_T{tile.name}"
        f"_{made:%Y%m%dT%H%M%S}.SAFE",
        "s2:generation_time": _text(made),
        "s2:datatake_id": f"G{taken.datatake}_{taken.orbit_number:06d}_N{baseline}",
        "s2:datatake_type": "INS-NOBS",
        "s2:datastrip_id": f"{taken.platform}_OPER_MSI_L2A_DS_2APS_{strip}",
        "s2:tile_id": f"{granule}_A{taken.orbit_number:06d}_T{tile.name}_N{baseline}",
        "processing:software": {"infra.local.world": stamp},
    }
    if scene.collection == C1:
        return {
            **out,
            "proj:code": f"EPSG:{scene.place.epsg}",
            "storage:platform": "AWS",
            "storage:region": "us-west-2",
        }
    if scene.old:
        out["s2:granule_id"] = out.pop("s2:tile_id")
    else:
        out["proj:centroid"] = _centroid(scene, outline)
    return {
        **out,
        "proj:epsg": scene.place.epsg,
        "s2:sequence": "0",
        "earthsearch:boa_offset_applied": True,
    }


def _centroid(scene: Scene, outline: Polygon) -> dict[str, float]:
    point = outline.centroid.buffer(1)
    ((lon, lat), *_) = polygon_lonlat(point, scene.place.epsg)["coordinates"][0]
    return {"lat": round(lat, 5), "lon": round(lon, 5)}


def _grid(scene: Scene, pixel: int) -> dict[str, Any]:
    rows, cols = scene.tile.crop.shape
    part = pixel // 10
    return {"proj:shape": [rows // part, cols // part], "proj:transform": list(scene.tile.crop.transform(pixel))}


def _band(scene: Scene, name: str) -> dict[str, Any]:
    wave = WAVELENGTHS[name]
    pixel = 10 if name in TEN_METRE else 20
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
        "name": wave.band if scene.collection == C1 else name,
        "common_name": "rededge" if name.startswith("rededge") else name,
        "center_wavelength": wave.centre,
        "full_width_half_max": wave.width,
    }


def _scl(scene: Scene) -> dict[str, Any]:
    return {
        "href": f"../{scene.collection}/{scene.id}/{SCL_FILE}",
        "type": _TIFF,
        "title": "Scene classification map (SCL)",
        **_grid(scene, 20),
        "raster:bands": [{"nodata": 0, "data_type": "uint8", "spatial_resolution": 20}],
        "roles": ["data", "reflectance"] if scene.old else ["data"],
    }


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
