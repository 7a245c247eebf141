"""Why pixels could not be had. Catch `ReadError`; `reason` is the code that outcomes carry."""

from __future__ import annotations

from typing import ClassVar

from claylake.errors import ClaylakeError


class ReadError(ClaylakeError):
    """Base: a file of a scene cannot supply cells.

    Attributes:
        asset: the asset's key, e.g. ``red``.
        reason: a short code, the part after ``failed:``.
    """

    reason: ClassVar[str] = "unreadable"

    def __init__(self, asset: str, detail: str) -> None:
        super().__init__(f"{asset}: {detail}")
        self.asset = asset


class UnreadableError(ReadError):
    """The file cannot be opened, or a block of it cannot be decoded."""


class MissingAssetError(ReadError):
    """The item offers no such asset."""

    reason = "missing_asset"


class MisalignedError(ReadError):
    """Cells do not map to whole pixels of the file, or the item describes another raster."""

    reason = "misaligned"
