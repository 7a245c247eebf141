"""The dialects of Sentinel-2 L2A items that are read: one table of names, and what each value may look like.

Earth Search writes ``s2:*`` properties and assets by common name (``blue``), other catalogues of the same products
write ``eopf:*`` properties, assets by band (``B02``, ``b02``) or by band and resolution (``B02_10m``), and codes and
numbers in other forms. What has one plain meaning is read; anything else is an error that names property and value.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DATATAKE: Final = ("s2:datatake_id", "eopf:datatake_id", "eopf:data_take_id")
PRODUCT: Final = ("s2:product_uri",)
"""The product's name; where no property has it, the item's id may be it."""
BASELINE: Final = ("s2:processing_baseline", "eopf:processing_baseline", "processing:version")
"""The last is also the version of other software: what has not a baseline's form there is passed over."""
SEQUENCE: Final = ("s2:sequence",)
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
_CRS_FORM: Final = re.compile(
    r"(?:EPSG:|URN:(?:X-)?OGC:DEF:CRS:EPSG:[0-9.]*:|HTTPS?://(?:WWW\.)?OPENGIS\.NET/DEF/CRS/EPSG/[0-9.]+/)?([0-9]{1,6})"
)
_BASELINE_FORM: Final = re.compile(r"N?([0-9]{1,2})\.([0-9]{2})|N?([0-9]{2})([0-9]{2})|([0-9]{1,2}(?:\.[0-9])?)")
_LEAP_SECOND: Final = re.compile(r"(?<=[0-9]{2}:[0-9]{2}):60|(?<=T[0-9]{4})60")
_LARGEST_PERCENTAGE: Final = 100.0
_ROUNDING: Final = 0.01
_LONGEST_RANGE: Final = timedelta(days=1)
"""A datatake lasts minutes: a longer range is of a composite, which has no moment."""
_JP2: Final = "image/jp2"
_FEW: Final = 60


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

    A number is what JSON leaves of it (5.1 is ``05.10``). The datatake's id names another baseline and is not read.

    Raises:
        ValueError: for what has not a baseline's form.
    """
    own, *others = BASELINE
    if properties.get(own) is not None:
        return _baseline(own, properties[own])
    for key in others:
        try:
            return _baseline(key, properties[key])
        except (KeyError, ValueError):
            continue
    product = _product(item_id, properties)
    return f"{product[3]}.{product[4]}" if product and product[3] else None


def sequence(properties: Mapping[str, Any]) -> str | None:
    """Which of several products of a tile and pass; a number becomes its digits. None where the item does not say."""
    value = _first(properties, SEQUENCE)
    if value is None:
        return None
    if isinstance(value, str) and not value.strip().isdecimal():
        return value.strip()
    number = _number(SEQUENCE[0], value)
    if not number.is_integer():
        raise ValueError(f"{SEQUENCE[0]} {_short(value)} is not a whole number")
    return str(int(number))


def epsg_codes(properties: Mapping[str, Any], assets: Iterator[Mapping[str, Any]]) -> list[int]:
    """EPSG codes that the item and its assets name, each once: a code, a number, a URN or an OGC address.

    Raises:
        ValueError: for what has none of these forms.
    """
    found = []
    for place in (properties, *assets):
        for key in CRS:
            value = place.get(key)
            if value is None or value == "":
                continue
            code = _CRS_FORM.fullmatch(str(_whole(value)).strip().upper())
            if code is None or isinstance(value, bool):
                raise ValueError(f"{key} {_short(value)} is not an EPSG code: e.g. EPSG:32633")
            if int(code[1]) not in found:
                found.append(int(code[1]))
    return found


def cloud_cover(properties: Mapping[str, Any]) -> float | None:
    """Cloud cover in percent, 0..100; None where the item does not say (null, NaN or an empty text).

    Raises:
        ValueError: for what is not a percentage.
    """
    value = properties.get(CLOUD_COVER)
    if value is None or value == "":
        return None
    given = value.strip().removesuffix("%") if isinstance(value, str) else value
    number = _number(CLOUD_COVER, given)
    if math.isnan(number):
        return None
    if not -_ROUNDING <= number <= _LARGEST_PERCENTAGE + _ROUNDING:
        raise ValueError(f"{CLOUD_COVER} {_short(value)} is not a percentage, 0 to 100")
    return min(max(number, 0.0), _LARGEST_PERCENTAGE)


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
        raise ValueError(f"datetime is null, and {_short(begun)} to {_short(ended)} is not the time of one pass")
    return start


def moment(value: object) -> datetime:
    """A time as STAC writes it (RFC 3339), in UTC; without a zone it is UTC.

    A leap second counts as the second before it, so that it stays in its month.

    Raises:
        ValueError: for any other form.
    """
    try:
        found = datetime.fromisoformat(_LEAP_SECOND.sub(lambda second: second[0][:-2] + "59", str(value).strip()))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{_short(value)} is not a time: expected e.g. 2024-07-10T10:06:29Z") from error


def find_assets(assets: Mapping[str, Any]) -> dict[str, Any]:
    """The item's assets that we read, by our keys; what is missing, or could be one of several, is left out.

    An asset is found by its key (ours, the band's name, or that with the band's own resolution), whatever the case.
    Else it is the only one whose single band has the name or common name: not a JPEG 2000 copy, not a coarser one.
    """
    by_key = {key.lower(): key for key in sorted(assets, reverse=True)}
    found = {}
    for name, names in NAMES.items():
        key = next((by_key[spelt] for spelt in _spellings(name, names) if spelt in by_key), None)
        key = name if name in assets else key or _by_band(assets, names)
        if key is not None:
            found[name] = assets[key]
    return found


def _spellings(name: str, names: Names) -> tuple[str, ...]:
    band = names.band.lower()
    short = band.replace("b0", "b")
    return name, band, short, f"{band}_{names.metres}m", f"{band}-{names.metres}m"


def _by_band(assets: Mapping[str, Any], names: Names) -> str | None:
    found = [key for key, asset in assets.items() if isinstance(asset, dict) and _shows(asset, names)]
    return found[0] if len(found) == 1 else None


def _shows(asset: Mapping[str, Any], names: Names) -> bool:
    """Whether the asset is of this one band, in the band's own resolution as far as it says."""
    bands: list[Any] = next((asset[key] for key in BANDS if isinstance(asset.get(key), list)), [])
    if len(bands) != 1 or not isinstance(bands[0], dict) or str(asset.get("type", "")).startswith(_JP2):
        return False
    if asset.get("gsd") not in (None, names.metres) or {"overview", "thumbnail"} & set(_texts(asset.get("roles"))):
        return False
    called = str(bands[0].get("name", "")).lower()
    common = str(_first(bands[0], COMMON_NAME) or "").lower()
    return called in (names.band.lower(), *names.common) or common in names.common


def _texts(value: object) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _product(item_id: str, properties: Mapping[str, Any]) -> re.Match[str] | None:
    return _PRODUCT_FORM.match(str(_first(properties, PRODUCT))) or _PRODUCT_FORM.match(item_id)


def _first(properties: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((properties[key] for key in keys if properties.get(key) is not None), None)


def _baseline(key: str, value: object) -> str:
    text = f"{_number(key, value):.2f}" if isinstance(value, int | float) else str(value).strip().upper()
    form = _BASELINE_FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"{key} {_short(value)} is not a processing baseline: e.g. 05.10")
    if form[5]:
        return f"{float(form[5]):05.2f}"
    major, minor = (form[1], form[2]) if form[1] else (form[3], form[4])
    return f"{int(major):02d}.{minor}"


def _number(key: str, value: object) -> float:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"{key} {_short(value)} is not a number")


def _whole(value: object) -> object:
    """A number without its decimal point, where it is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _FEW else f"{shown[:_FEW]}..."
