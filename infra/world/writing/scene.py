"""One STAC item to be."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from claylake.vocabulary import COLLECTION_C1, COLLECTION_L2A
from infra.world.imaging.passes import Pass
from infra.world.place import Place, Tile


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One STAC item to be: a tile of a pass in a collection.

    Attributes:
        place: where it lies.
        tile: which tile it shows.
        overflight: the pass.
        collection: where it is published.
    """

    place: Place
    tile: Tile
    overflight: Pass
    collection: str

    @property
    def id(self) -> str:
        """Item id in the collection's style."""
        taken = self.overflight
        if self.collection == COLLECTION_C1:
            return f"{taken.platform}_T{self.tile.name}_{self.strip_start:%Y%m%dT%H%M%S}_L2A"
        return f"{taken.platform}_{self.tile.name}_{taken.start:%Y%m%d}_0_L2A"

    @property
    def strip_start(self) -> datetime:
        """Start of the datastrip: what c1 ids carry, some minutes into the datatake."""
        return self.overflight.start + timedelta(minutes=4, seconds=3)

    @property
    def sensed(self) -> datetime:
        """Sensing time: tiles of one pass are seconds apart, the eastern one first."""
        east = self.tile is self.place.tiles[1]
        return self.overflight.start + timedelta(minutes=4, seconds=36 if east else 39, milliseconds=417)

    @property
    def old(self) -> bool:
        """Whether the item speaks the older dialect."""
        return self.collection == COLLECTION_L2A and self.overflight.role.dialect == "old"
