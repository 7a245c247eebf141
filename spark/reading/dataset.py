"""What is used of rasterio's datasets, which have no types of their own."""

# ruff: noqa: D102 - rasterio documents them

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from rasterio.enums import MaskFlags


class Crs(Protocol):
    """A coordinate reference system."""

    def to_epsg(self) -> int | None: ...


class Dataset(Protocol):
    """A file that is open."""

    @property
    def driver(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def crs(self) -> Crs | None: ...
    @property
    def transform(self) -> tuple[float, ...]: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def dtypes(self) -> tuple[str, ...]: ...
    @property
    def block_shapes(self) -> Sequence[tuple[int, int]]: ...
    @property
    def nodata(self) -> float | None: ...
    @property
    def mask_flag_enums(self) -> Sequence[Sequence[MaskFlags]]: ...
    @property
    def scales(self) -> tuple[float, ...]: ...
    @property
    def offsets(self) -> tuple[float, ...]: ...
    def tags(self, bidx: int = 0, *, ns: str) -> dict[str, str]: ...
    def get_tag_item(self, name: str, ns: str, *, bidx: int) -> str | None:
        """A tag, such as the place of a block.

        Args:
            name: of the tag.
            ns: GDAL's domain.
            bidx: number of the band, from 1.
        """

    def read(self, index: int, *, window: object, out: NDArray[Any]) -> NDArray[Any]:
        """A window of a band.

        Args:
            index: number of the band, from 1.
            window: rasterio's.
            out: where the pixels go; its shape is changed, and stays so if reading fails.
        """

    def close(self) -> None: ...
