"""The dialects of Sentinel-2 L2A items that are read: one table of names, and what each value may look like.

Earth Search writes ``s2:*`` properties and assets by common name (``blue``), other catalogues of the same products
write ``eopf:*`` properties, assets by band (``B02``, ``b02``) or by band and resolution (``B02_10m``), and codes and
numbers in other forms (`claylake.catalogue.values`). What has one plain meaning is read; anything else is an error that
names property and value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from claylake.catalogue import values
from claylake.catalogue.values import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

DATATAKE: Final = ("s2:datatake_id", "eopf:datatake_id", "eopf:data_take_id")
PRODUCT: Final = "s2:product_uri"
"""The product's name; where no property has it, the item's id may be it."""
BASELINE: Final = ("s2:processing_baseline", "eopf:processing_baseline", "processing:version")
"""The last is also the version of other software: what has not a baseline's form there is passed over."""
SEQUENCE: Final = "s2:sequence"
CRS: Final = ("proj:code", "proj:epsg")
CLOUD_COVER: Final = "eo:cloud_cover"
OFFSET_REMOVED: Final = "earthsearch:boa_offset_applied"
BANDS: Final = ("eo:bands", "bands")
COMMON_NAME: Final = ("common_name", "eo:common_name")


@dataclass(frozen=True)
class Names:
    """How an asset of ours may be called: the band's name, its pixels in metres, and common names that mean it alone.

    ``rededge`` alone is the common name of three or four bands, so it means none.
    """

    band: str
    metres: int
    common: tuple[str, ...]


NAMES: Final[Mapping[str, Names]] = MappingProxyType(
    {
        "blue": Names("B02", 10, ("blue",)),
        "green": Names("B03", 10, ("green",)),
        "red": Names("B04", 10, ("red",)),
        "rededge1": Names("B05", 20, ("rededge1", "rededge071")),
        "rededge2": Names("B06", 20, ("rededge2", "rededge075")),
        "rededge3": Names("B07", 20, ("rededge3", "rededge078")),
        "nir": Names("B08", 10, ("nir",)),
        "nir08": Names("B8A", 20, ("nir08",)),
        "swir16": Names("B11", 20, ("swir16",)),
        "swir22": Names("B12", 20, ("swir22",)),
        "scl": Names("SCL", 20, ("scl",)),
    }
)
"""By the key that Earth Search uses, and we."""

_DATATAKE_FORM: Final = re.compile(r"GS2([ABC])_([0-9]{8}T[0-9]{6})_")
_PRODUCT_FORM: Final = re.compile(r"S2([ABC])_MSIL[12][AC]_([0-9]{8}T[0-9]{6})_(?:N([0-9]{2})([0-9]{2})_)?")
_BAND_FORM: Final = re.compile(r"b0?[1-9]|b8a|b1[0-2]|scl")
"""Of the names of Sentinel-2's bands, in small letters."""
_LONGEST_RANGE: Final = timedelta(days=1)
"""A datatake lasts minutes: a longer range is of a composite, which has no moment."""
_JP2: Final = "image/jp2"


def datatake(item_id: str, properties: Mapping[str, Any]) -> str | None:
    """The pass, ``<platform>_<datatake start>``, or None where neither datatake nor product name says it.

    Both carry the start of the datatake, not of the tile.
    """
    for key in DATATAKE:
        found = _DATATAKE_FORM.match(str(properties.get(key, "")))
        if found:
            return f"S2{found[1]}_{found[2]}"
    product = _product(item_id, properties)
    return f"S2{product[1]}_{product[2]}" if product else None


def baseline(item_id: str, properties: Mapping[str, Any]) -> str | None:
    """The processing baseline as ``05.10``; None where the item does not say.

    The datatake's id names another baseline and is not read.

    Raises:
        ValueError: for what has not a baseline's form.
    """
    own, *others = BASELINE
    if properties.get(own) is not None:
        return values.baseline(own, properties[own])
    for key in others:
        try:
            return values.baseline(key, properties[key])
        except (KeyError, ValueError):
            continue
    product = _product(item_id, properties)
    return f"{product[3]}.{product[4]}" if product and product[3] else None


def sequence(properties: Mapping[str, Any]) -> str | None:
    """Which of several products of a tile and pass; a number becomes its digits. None where the item does not say.

    Raises:
        ValueError: for what is neither a text nor a whole number.
    """
    value = properties.get(SEQUENCE)
    if value is None or (isinstance(value, str) and not value.strip().isdecimal()):
        return value if value is None else value.strip()
    return str(values.whole_number(SEQUENCE, value))


def epsg_codes(properties: Mapping[str, Any], assets: Iterator[Mapping[str, Any]]) -> list[int]:
    """EPSG codes that the item and its assets name, each once.

    Raises:
        ValueError: for what is not a code.
    """
    named = [(key, place.get(key)) for place in (properties, *assets) for key in CRS]
    return list(dict.fromkeys(values.epsg(key, value) for key, value in named if value not in (None, "")))


def cloud_cover(properties: Mapping[str, Any]) -> float | None:
    """Cloud cover in percent, 0..100; None where the item does not say.

    Raises:
        ValueError: for what is not a percentage.
    """
    return values.percentage(CLOUD_COVER, properties.get(CLOUD_COVER))


def acquired(properties: Mapping[str, Any]) -> datetime | None:
    """The item's moment, UTC: its datetime, else the start of its range. None where it has neither.

    Raises:
        ValueError: for what is not a moment, and for a range of more than a day.
    """
    if properties.get("datetime"):
        return moment(properties["datetime"])
    begun, ended = properties.get("start_datetime"), properties.get("end_datetime")
    if not begun:
        return None
    start, end = moment(begun), moment(ended or begun)
    if not timedelta(0) <= end - start <= _LONGEST_RANGE:
        whole = f"{values.shown(begun)} to {values.shown(ended)}"
        raise ValueError(f"datetime is null, and {whole} is not the time of one pass")
    return start


def find_assets(assets: Mapping[str, Any]) -> dict[str, Any]:
    """The item's assets that we read, by our keys; what is missing, or could be one of several, is left out.

    An asset is found by its key (ours, the band's name, or that with the band's own resolution), whatever the case.
    Else it is the only one whose single band has the name or common name: not a JPEG 2000 copy, not a coarser one.
    One that names another band than its key does is neither.
    """
    by_key = {key.lower(): key for key in sorted(assets, reverse=True)}
    found = {}
    for name, names in NAMES.items():
        key = next((by_key[spelt] for spelt in _spellings(name, names) if spelt in by_key), None)
        key = name if name in assets else key or _by_band(assets, names)
        if key is not None and _band(assets[key]) in (None, names.band.lower()):
            found[name] = assets[key]
    return found


def _spellings(name: str, names: Names) -> tuple[str, ...]:
    band = names.band.lower()
    return name, band, band.replace("b0", "b"), f"{band}_{names.metres}m", f"{band}-{names.metres}m"


def _by_band(assets: Mapping[str, Any], names: Names) -> str | None:
    found = [key for key, asset in assets.items() if isinstance(asset, dict) and _shows(asset, names)]
    return found[0] if len(found) == 1 else None


def _shows(asset: Mapping[str, Any], names: Names) -> bool:
    """Whether the asset is of this one band, in the band's own resolution as far as it says."""
    about = _only_band(asset)
    roles = asset.get("roles")
    for_viewing = isinstance(roles, list) and ("overview" in roles or "thumbnail" in roles)
    coarser = asset.get("gsd") not in (None, names.metres)
    if about is None or for_viewing or coarser or str(asset.get("type", "")).startswith(_JP2):
        return False
    band = _band(asset)
    if band is not None:
        return band == names.band.lower()
    said = (about.get("name"), *(about.get(key) for key in COMMON_NAME))
    return any(str(each).lower() in names.common for each in said)


def _band(asset: object) -> str | None:
    """The name of the one band of Sentinel-2 that the asset says it has, as ``b02``; None where it does not say."""
    about = _only_band(asset)
    name = str(about.get("name", "")).lower() if about else ""
    if not _BAND_FORM.fullmatch(name):
        return None
    return f"b0{name[1:]}" if len(name) == len("b2") else name


def _only_band(asset: object) -> Mapping[str, Any] | None:
    if not isinstance(asset, dict):
        return None
    bands: list[Any] = next((asset[key] for key in BANDS if isinstance(asset.get(key), list)), [])
    return bands[0] if len(bands) == 1 and isinstance(bands[0], dict) else None


def _product(item_id: str, properties: Mapping[str, Any]) -> re.Match[str] | None:
    return _PRODUCT_FORM.match(str(properties.get(PRODUCT))) or _PRODUCT_FORM.match(item_id)
