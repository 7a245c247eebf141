"""UTM zones of points one by one, exceptions spelt out (DMA TM 8358.1, chapter 3): the oracle of those of many points."""

SVALBARD = ((0.0, 9.0, 31), (9.0, 21.0, 33), (21.0, 33.0, 35), (33.0, 42.0, 37))


def zone_of(lon, lat):
    """Zone (1..60) that the MGRS gives a point; `lon` in degrees, any turn; `lat` -80..84."""
    lon = (lon + 180.0) % 360.0 - 180.0
    if 56.0 <= lat < 64.0 and 3.0 <= lon < 12.0:
        return 32
    if 72.0 <= lat <= 84.0:
        for west, east, zone in SVALBARD:
            if west <= lon < east:
                return zone
    return int((lon + 180.0) // 6) + 1


def epsg_of(lon, lat):
    """EPSG code of the WGS 84 / UTM zone that owns a point."""
    return (32600 if lat >= 0 else 32700) + zone_of(lon, lat)
