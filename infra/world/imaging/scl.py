"""The classes of Sen2Cor's scene classification (SCL), by their names in STAC items."""

from enum import IntEnum

from claylake.vocabulary import SCL_CLOUD, SCL_NODATA, SCL_SHADOW, SCL_SNOW, SCL_WATER


class Scl(IntEnum):
    """One class; items count each as `s2:<name>_percentage`."""

    NODATA_PIXEL = SCL_NODATA
    SATURATED_DEFECTIVE_PIXEL = 1
    DARK_FEATURES = 2
    CLOUD_SHADOW = SCL_SHADOW[0]
    VEGETATION = 4
    NOT_VEGETATED = 5
    WATER = SCL_WATER[0]
    UNCLASSIFIED = 7
    MEDIUM_PROBA_CLOUDS = SCL_CLOUD[0]
    HIGH_PROBA_CLOUDS = SCL_CLOUD[1]
    THIN_CIRRUS = SCL_CLOUD[2]
    SNOW_ICE = SCL_SNOW[0]
