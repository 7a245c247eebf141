"""One STAC item, trimmed to what extraction needs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from claylake.catalogue import dialects
from claylake.errors import SceneError
from claylake.pass_month import pass_month, pass_start
from claylake.vocabulary import ASSETS

if TYPE_CHECKING:
    from claylake.month import Month

_FURTHEST: Final = dt.timedelta(days=31)
"""Between the item's datetime and its datatake: with more, one of them is not of this scene."""


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
    is settled for the AOI's cells by another ownership rule, so it supplies only those that are new. Nor is `settled`:
    the scene is done for the run's cells, and supplies only those that it completes together with another half
    (`claylake.catalogue.halves`).
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
    settled: bool = False

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
        """Trim a STAC item (a GeoJSON Feature), in one of the dialects of `claylake.catalogue.dialects`.

        Raises:
            SceneError: if the pass, the CRS, the footprint or the date cannot be read, or a value is malformed.
        """
        item_id = str(item.get("id") or "(no id)")
        properties = item.get("properties")
        if not item.get("id"):
            raise SceneError(item_id, "malformed", "the item has no id")
        if not isinstance(properties, dict):
            raise SceneError(item_id, "malformed", "the item has no properties")
        if not item.get("geometry"):
            raise SceneError(item_id, "no_footprint", "the item has no geometry")
        try:
            return cls._trimmed(item_id, item, properties)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            raise SceneError(item_id, "malformed", f"the item cannot be read ({error!r})") from error

    @classmethod
    def _trimmed(cls, item_id: str, item: dict[str, Any], properties: dict[str, Any]) -> Self:
        assets = dialects.find_assets(item.get("assets", {}))
        updated, pass_id = properties.get("updated"), pass_of(item_id, properties)
        return cls(
            id=item_id,
            collection=str(item.get("collection", "")),
            pass_id=pass_id,
            datetime=_acquired(item_id, properties, pass_id),
            updated=None if updated is None else str(updated),
            platform=str(properties.get("platform", "")),
            epsg=_epsg(item_id, properties, assets),
            baseline=dialects.baseline(item_id, properties),
            cloud_cover=dialects.cloud_cover(properties),
            boa_offset_applied=properties.get(dialects.OFFSET_REMOVED),
            sequence=dialects.sequence(properties),
            footprint=item["geometry"],
            assets={key: _asset(value) for key, value in assets.items()},
        )


def pass_of(item_id: str, properties: dict[str, Any]) -> str:
    """The pass, ``<platform>_<datatake start>``, e.g. ``S2A_20200219T112111``.

    Taken from the datatake's id, else from the product's name.

    Raises:
        SceneError: if neither can be read.
    """
    found = dialects.datatake(item_id, properties)
    if found is None:
        keys = ", ".join((*dialects.DATATAKE, dialects.PRODUCT))
        raise SceneError(item_id, "no_pass", f"none of {keys} and the id names the datatake")
    return found


def _acquired(item_id: str, properties: dict[str, Any], pass_id: str) -> dt.datetime:
    found = dialects.acquired(properties)
    if found is None:
        raise SceneError(item_id, "no_datetime", "the item has neither a datetime nor a start_datetime")
    if abs(found - pass_start(pass_id)) > _FURTHEST:
        raise SceneError(item_id, "malformed", f"its datetime {found:%Y-%m-%d} is far from its pass, {pass_id}")
    return found


def _epsg(item_id: str, properties: dict[str, Any], assets: dict[str, Any]) -> int:
    try:
        codes = dialects.epsg_codes(properties, (asset for asset in assets.values() if isinstance(asset, dict)))
    except ValueError as error:
        raise SceneError(item_id, "no_utm", str(error)) from error
    if len(codes) != 1:
        what = f"names {', '.join(map(str, codes))}" if codes else "names none"
        raise SceneError(item_id, "no_utm", f"a scene lies in one zone, and {' / '.join(dialects.CRS)} {what}")
    if not (32601 <= codes[0] <= 32660 or 32701 <= codes[0] <= 32760):
        raise SceneError(item_id, "no_utm", f"EPSG:{codes[0]} is not a WGS 84 UTM zone")
    return codes[0]


def _asset(asset: dict[str, Any]) -> Asset:
    transform = asset.get("proj:transform")
    return Asset(
        href=asset["href"],
        transform=tuple(transform[:6]) if transform else None,
        shape=asset.get("proj:shape"),
    )
