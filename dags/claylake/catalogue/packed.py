"""A scene as planning keeps it: what plans are counted by in the open, all the rest compressed."""

from __future__ import annotations

import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from claylake.catalogue.footprint import footprint
from claylake.catalogue.halves import half_of

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from claylake.catalogue.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedScene:
    """One scene in about 1 kB, where a `Scene` takes 15 and a raw item 130: a search finds tens of thousands.

    `footprint` is WKB, lon/lat, as `claylake.catalogue.footprint` makes it; `document` the scene's line in
    the manifest, compressed; `half` what it may be half of (`claylake.catalogue.halves`).
    """

    id: str
    pass_id: str
    epsg: int
    cloud_cover: float | None
    footprint: bytes
    document: bytes
    only_new_cells: bool = False
    settled: bool = False
    half: str | None = None

    @classmethod
    def of(cls, scene: Scene, area: BaseGeometry | None = None) -> Self:
        """Pack a scene.

        Args:
            scene: the whole of it.
            area: its footprint, if it was read before.

        Raises:
            FootprintError: if the footprint cannot be read.
        """
        import shapely

        area = footprint(scene.footprint) if area is None else area
        return cls(
            id=scene.id,
            pass_id=sys.intern(scene.pass_id),  # hundreds of scenes share one
            epsg=scene.epsg,
            cloud_cover=scene.cloud_cover,
            footprint=shapely.to_wkb(area),
            document=zlib.compress(scene.model_dump_json().encode()),
            only_new_cells=scene.only_new_cells,
            settled=scene.settled,
            half=half_of(scene),
        )

    @property
    def line(self) -> bytes:
        """The whole scene as one JSON document."""
        return zlib.decompress(self.document)
