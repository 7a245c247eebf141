"""Why pixels could not be had. Catch `ReadError`; `reason` is the code that outcomes carry."""

from __future__ import annotations

from typing import ClassVar

from claylake.errors import ClaylakeError


class ReadError(ClaylakeError):
    """Base: a file of a scene cannot supply cells. `reason` is a short code, the part after ``failed:``.

    Args:
        asset: the asset's key, e.g. ``red``.
        detail: what is wrong.
    """

    reason: ClassVar[str] = "unreadable"

    def __init__(self, asset: str, detail: str) -> None:
        super().__init__(f"{asset}: {detail}")


class UnreadableError(ReadError):
    """The file cannot be opened, or a block of it cannot be decoded."""


class MissingAssetError(ReadError):
    """The item offers no such asset."""

    reason = "missing_asset"


class NotAsExpectedError(ReadError):
    """Base: the file can be read, but is not what a band of Sentinel-2 L2A is.

    Args:
        asset: the asset's key.
        file: where it was read.
        found: what it holds.
        expected: what it would have to hold.
    """

    def __init__(self, asset: str, *, file: str, found: str, expected: str) -> None:
        super().__init__(asset, f"{file}: {found}; expected {expected}")


class MisalignedError(NotAsExpectedError):
    """Cells do not map to whole pixels of the file, or the item or the other bands describe another raster."""

    reason = "misaligned"


class BandCountError(NotAsExpectedError):
    """The file does not hold one band."""

    reason = "band_count"


class PixelTypeError(NotAsExpectedError):
    """The type of its pixels is not one of digital numbers."""

    reason = "pixel_type"


class NodataTagError(NotAsExpectedError):
    """Pixels without data are marked by something else than 0."""

    reason = "nodata_tag"


class ScaleTagError(NotAsExpectedError):
    """Its digital numbers are scaled otherwise than those of Sentinel-2 L2A."""

    reason = "scale_tag"


class PixelValueError(NotAsExpectedError):
    """A pixel holds a number that its band cannot."""

    reason = "pixel_values"


class EmptyBandError(NotAsExpectedError):
    """A band has no data in a cell where the classification has."""

    reason = "band_empty"
