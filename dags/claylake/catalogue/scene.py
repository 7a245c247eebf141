"""One STAC item, trimmed to what extraction needs."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from claylake.errors import SceneError
from claylake.pass_month import pass_month, pass_start
from claylake.vocabulary import ASSETS

if TYPE_CHECKING:
    from claylake.month import Month

_DATATAKE = re.compile(r"GS2([ABC])_(\d{8}T\d{6})_")
_PRODUCT = re.compile(r"S2([ABC])_MSIL[12][AC]_(\d{8}T\d{6})_")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    former: ClassVar[frozenset[str]] = frozenset()
    """Fields that manifests of earlier versions have, and nothing reads."""

    @model_validator(mode="before")
    @classmethod
    def _without_former_fields(cls, given: object) -> object:
        return {name: given[name] for name in given if name not in cls.former} if isinstance(given, dict) else given


class Asset(_Value):
    """One band's file.

    `transform` is the affine transform (6 numbers, GDAL's order a b c d e f: metres),
    `shape` is (rows, columns); None where the item does not say.
    """

    former: ClassVar[frozenset[str]] = frozenset({"offset"})
    href: str
    transform: tuple[float, float, float, float, float, float] | None = None
    shape: tuple[int, int] | None = None


class Scene(_Value):
    """One STAC item: one MGRS tile of one pass, in one collection and processing.

    `datetime` is the item's (UTC); the pass carries the datatake's start. `footprint` is the
    item's geometry, GeoJSON in lon/lat. `boa_offset_applied` is the flag as published, which
    may be wrong (see `spark.sentinel2.radiometry`). `only_new_cells` is not the item's: the scene
    is settled for the AOI's cells by another ownership rule, so it supplies only those that are new.
    """

    former: ClassVar[frozenset[str]] = frozenset({"mgrs_tile"})
    id: str
    collection: str
    pass_id: str
    datetime: dt.datetime
    updated: str | None
    platform: str
    epsg: int
    baseline: str | None
    cloud_cover: float | None
    boa_offset_applied: bool | None
    sequence: str | None
    footprint: dict[str, Any]
    assets: dict[str, Asset]
    only_new_cells: bool = False

    @field_validator("datetime")
    @classmethod
    def _aware(cls, value: dt.datetime) -> dt.datetime:
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)

    @field_validator("pass_id")
    @classmethod
    def _dated(cls, value: str) -> str:
        pass_start(value)
        return value

    @property
    def pass_start(self) -> dt.datetime:
        """Start of the datatake, UTC."""
        return pass_start(self.pass_id)

    @property
    def month(self) -> Month:
        """The month that the scene's pass belongs to."""
        return pass_month(self.pass_id)

    @property
    def missing_assets(self) -> tuple[str, ...]:
        """Bands (and SCL) that the item does not offer."""
        return tuple(key for key in ASSETS if key not in self.assets)

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        """Trim a STAC item (a GeoJSON Feature) of Earth Search v1, in either dialect.

        Raises:
            SceneError: if the pass, the CRS, the footprint or the date cannot be read, or a value is malformed.
        """
        item_id = str(item.get("id", "(no id)"))
        properties = item.get("properties")
        if not isinstance(properties, dict):
            raise SceneError(item_id, "malformed", "the item has no properties")
        if not item.get("geometry"):
            raise SceneError(item_id, "no_footprint", "the item has no geometry")
        if not properties.get("datetime"):
            raise SceneError(item_id, "no_datetime", "the item has no datetime")
        try:
            return cls._trimmed(item_id, item, properties)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise SceneError(item_id, "malformed", f"the item cannot be read ({error!r})") from error

    @classmethod
    def _trimmed(cls, item_id: str, item: dict[str, Any], properties: dict[str, Any]) -> Self:
        return cls(
            id=item_id,
            collection=str(item.get("collection", "")),
            pass_id=pass_of(item_id, properties),
            datetime=properties["datetime"],
            updated=properties.get("updated"),
            platform=str(properties.get("platform", "")),
            epsg=_epsg(item_id, properties),
            baseline=properties.get("s2:processing_baseline"),
            cloud_cover=properties.get("eo:cloud_cover"),
            boa_offset_applied=properties.get("earthsearch:boa_offset_applied"),
            sequence=properties.get("s2:sequence"),
            footprint=item["geometry"],
            assets={key: _asset(value) for key, value in item.get("assets", {}).items() if key in ASSETS},
        )


def pass_of(item_id: str, properties: dict[str, Any]) -> str:
    """The pass, ``<platform>_<datatake start>``, e.g. ``S2A_20200219T112111``.

    Taken from ``s2:datatake_id``, else from ``s2:product_uri``; both carry the start of the
    datatake, not of the tile.

    Raises:
        SceneError: if neither can be read.
    """
    for key, pattern in (("s2:datatake_id", _DATATAKE), ("s2:product_uri", _PRODUCT)):
        found = pattern.match(str(properties.get(key, "")))
        if found:
            return f"S2{found[1]}_{found[2]}"
    raise SceneError(item_id, "no_pass", "neither s2:datatake_id nor s2:product_uri names the datatake")


def _epsg(item_id: str, properties: dict[str, Any]) -> int:
    code = properties.get("proj:code") or properties.get("proj:epsg")
    try:
        epsg = int(str(code).upper().removeprefix("EPSG:"))
    except ValueError:
        epsg = 0
    if not (32601 <= epsg <= 32660 or 32701 <= epsg <= 32760):
        raise SceneError(item_id, "no_utm", f"proj:code / proj:epsg {code!r} is not a WGS 84 UTM zone")
    return epsg


def _asset(asset: dict[str, Any]) -> Asset:
    transform = asset.get("proj:transform")
    return Asset(
        href=asset["href"],
        transform=tuple(transform[:6]) if transform else None,
        shape=asset.get("proj:shape"),
    )
