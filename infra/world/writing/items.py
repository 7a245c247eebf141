"""STAC items in the dialects of Earth Search's two Sentinel-2 L2A collections."""

from datetime import datetime, timedelta
from typing import Any

from shapely import Polygon

from claylake.vocabulary import COLLECTION_C1, COLLECTION_L2A
from infra.world.writing.assets import assets
from infra.world.writing.footprint import bbox_lonlat, lonlat_ring, polygon_lonlat
from infra.world.writing.scene import Scene

BASELINE, OLD_BASELINE = "05.11", "05.10"
GENERATOR = "infra.local.world"
"""Key of the stamp in `processing:software`. It never changes: scenes that earlier versions painted still count."""
_EXTENSIONS = ("mgrs/v1.0.0", "view/v1.0.0", "raster/v1.1.0", "eo/v1.1.0", "grid/v1.1.0", "processing/v1.1.0")


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
    version = "v1.1.0" if scene.collection == COLLECTION_L2A else "v2.0.0"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            f"https://stac-extensions.github.io/{name}/schema.json" for name in (*_EXTENSIONS, f"projection/{version}")
        ],
        "id": scene.id,
        "collection": scene.collection,
        "geometry": geometry,
        "bbox": bbox_lonlat(geometry),
        "properties": _properties(scene, sun, outline, shares, stamp),
        "links": [],
        "assets": assets(scene),
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
        "datetime": _text(scene.sensed),
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
        "processing:software": {GENERATOR: stamp},
    }
    if scene.collection == COLLECTION_C1:
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
    ((lon, lat),) = lonlat_ring([(outline.centroid.x, outline.centroid.y)], scene.place.epsg)
    return {"lat": round(lat, 5), "lon": round(lon, 5)}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
