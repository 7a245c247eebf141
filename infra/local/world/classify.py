"""The scene classification (SCL) of a pass, from what was painted."""

import numpy as np
from numpy.typing import NDArray

from infra.local.world.noise import Field, halved
from infra.local.world.painting import Exposure
from infra.local.world.sky import Weather
from infra.local.world.units import Kind

SCL_NAMES = {
    0: "nodata_pixel",
    1: "saturated_defective_pixel",
    2: "dark_features",
    3: "cloud_shadow",
    4: "vegetation",
    5: "not_vegetated",
    6: "water",
    7: "unclassified",
    8: "medium_proba_clouds",
    9: "high_proba_clouds",
    10: "thin_cirrus",
    11: "snow_ice",
}
"""Classes as named in the items' `s2:<name>_percentage`."""


def classify(
    kind: NDArray[np.uint8], red: Field, nir: Field, exposure: Exposure, weather: Weather
) -> NDArray[np.uint8]:
    """Return the SCL, `(row, col)` uint8 at 20 m.

    Args:
        kind: `Kind` of the ground at 10 m.
        red: clean red at 20 m, DN.
        nir: clean near infrared at 20 m, DN.
        exposure: of the pass.
        weather: of the pass, at 20 m.
    """
    ndvi = (nir - red) / np.maximum(nir + red, 1)
    water = halved(((kind == Kind.LAKE) | (kind == Kind.RIVER)).astype(np.float32)) >= 0.5
    scl = np.where(ndvi > 0.45, 4, 5).astype(np.uint8)
    scl[(ndvi > 0.437) & (ndvi <= 0.45)] = 7
    scl[(nir < 900) & (red < 450)] = 2
    scl[water] = 6
    if exposure.snow.size > 1:
        scl[halved(exposure.snow) > 0.4] = 11
    scl[weather.shadow > 0.35] = 3
    scl[weather.cirrus > 0.12] = 10
    scl[weather.cloud > 0.12] = 8
    scl[weather.cloud > 0.5] = 9
    scl[exposure.nodata] = 0
    return scl


def percentages(scl: NDArray[np.uint8]) -> dict[str, float]:
    """Return `s2:*_percentage` and `eo:cloud_cover` of a scene.

    As in the products' own metadata, nodata is a share of the raster, all else of valid pixels.
    """
    counts = np.bincount(scl.ravel(), minlength=len(SCL_NAMES))
    valid = max(int(counts[1:].sum()), 1)
    out = {
        f"s2:{name}_percentage": round(100 * float(counts[code]) / (scl.size if code == 0 else valid), 6)
        for code, name in SCL_NAMES.items()
    }
    clouds = float(counts[8:11].sum())
    return {"eo:cloud_cover": round(100 * clouds / valid, 6), **out}
