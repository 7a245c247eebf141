"""The scene classification (SCL) of a pass, from what was painted."""

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import SCL_CLOUD
from infra.world.imaging.painting import Exposure
from infra.world.imaging.scl import Scl
from infra.world.imaging.sky import Weather
from infra.world.noise import Field, halved


def classify(
    water: NDArray[np.bool_], red: Field, nir: Field, exposure: Exposure, weather: Weather
) -> NDArray[np.uint8]:
    """Return the SCL, `(row, col)` uint8 at 20 m.

    Args:
        water: where water is, at 10 m.
        red: clean red at 20 m, DN.
        nir: clean near infrared at 20 m, DN.
        exposure: of the pass.
        weather: of the pass, at 20 m.
    """
    ndvi = (nir - red) / np.maximum(nir + red, 1)
    scl = np.where(ndvi > 0.45, Scl.VEGETATION, Scl.NOT_VEGETATED).astype(np.uint8)
    scl[(ndvi > 0.437) & (ndvi <= 0.45)] = Scl.UNCLASSIFIED
    scl[(nir < 900) & (red < 450)] = Scl.DARK_FEATURES
    scl[halved(water.astype(np.float32)) >= 0.5] = Scl.WATER
    if exposure.snow.size > 1:
        scl[halved(exposure.snow) > 0.4] = Scl.SNOW_ICE
    scl[weather.shadow > 0.35] = Scl.CLOUD_SHADOW
    scl[weather.cirrus > 0.12] = Scl.THIN_CIRRUS
    scl[weather.cloud > 0.12] = Scl.MEDIUM_PROBA_CLOUDS
    scl[weather.cloud > 0.5] = Scl.HIGH_PROBA_CLOUDS
    scl[exposure.nodata] = Scl.NODATA_PIXEL
    return scl


def percentages(scl: NDArray[np.uint8]) -> dict[str, float]:
    """Return `s2:*_percentage` and `eo:cloud_cover` of a scene.

    As in the products' own metadata, nodata is a share of the raster, all else of valid pixels.
    """
    counts = np.bincount(scl.ravel(), minlength=len(Scl))
    valid = max(int(counts[1:].sum()), 1)
    out = {
        f"s2:{code.name.lower()}_percentage": round(
            100 * float(counts[code]) / (scl.size if code == Scl.NODATA_PIXEL else valid), 6
        )
        for code in Scl
    }
    clouds = float(counts[list(SCL_CLOUD)].sum())
    return {"eo:cloud_cover": round(100 * clouds / valid, 6), **out}
