"""All bands of two halves of one tile-date, read side by side and joined."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.catalogue.hrefs import shown
from claylake.vocabulary import BANDS
from spark.reading.scene import CellPixels, Unread, empty_band, read_cells
from spark.sentinel2.halves import joined, joined_scl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claylake.catalogue.scene import Scene
    from spark.reading.strips import CellIndex


@dataclass(frozen=True, kw_only=True)
class JoinedCell:
    """One cell of two halves: the pixels of each, and of both together."""

    index: CellIndex
    first: CellPixels
    second: CellPixels
    both: CellPixels


def read_halves(first: Scene, second: Scene, indices: Iterable[CellIndex]) -> Iterator[JoinedCell | Unread]:
    """Each cell once, in reading order. That a band is empty is judged by both halves together.

    Args:
        first: whose pixels are taken where it has data.
        second: of the same raster and radiometry.
        indices: of the cells.

    Raises:
        ReadError: one of the scenes as a whole cannot supply cells; raised before the first cell.
    """
    wanted = list(indices)
    with (
        closing(read_cells(first, wanted, may_be_empty=True)) as ones,
        closing(read_cells(second, wanted, may_be_empty=True)) as others,
    ):
        for one, other in zip(ones, others, strict=True):
            if one.index != other.index:
                raise ValueError(f"{first.id} and {second.id} were read in different orders")
            if isinstance(one, Unread):
                yield one
            elif isinstance(other, Unread):
                yield other
            else:
                yield _joined(one, other, (first, second))


def _joined(one: CellPixels, other: CellPixels, scenes: tuple[Scene, Scene]) -> JoinedCell | Unread:
    raw, scl = joined(one.raw, other.raw, one.scl), joined_scl(one.scl, other.scl)
    both = CellPixels(index=one.index, raw=raw, scl=scl)
    files = {key: " and ".join(shown(scene.assets[key].href) for scene in scenes) for key in BANDS}
    error = empty_band(both, files)
    if error is not None:
        return Unread(index=one.index, error=error)
    return JoinedCell(index=one.index, first=one, second=other, both=both)
