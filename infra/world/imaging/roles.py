"""What each pass of a month is for: its weather, and where and how it is published."""

from dataclasses import dataclass
from enum import Enum

from claylake.vocabulary import COLLECTION_C1 as C1
from claylake.vocabulary import COLLECTION_L2A as L2A


class Sky(Enum):
    """Weather: share of the sky under (cumulus, cirrus)."""

    CLEAR = (0.004, 0.0)
    FEW = (0.08, 0.0)
    SCATTERED = (0.27, 0.03)
    THIN = (0.04, 0.25)
    OVERCAST = (0.91, 0.05)


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a pass is for.

    Attributes:
        orbit: which of the month's orbits, from 0.
        sky: the weather.
        collections: where it is published.
        dialect: of its sentinel-2-l2a items: `current` or `old`.
        lone: a collection that has only the western tile, as catalogues have gaps.
        edge: whether the swath ends inside the extent.
        snow: whether new snow lies on the hill.
        late_days: days after the pass when its items were last updated.
    """

    orbit: int
    sky: Sky
    collections: tuple[str, ...]
    dialect: str = "current"
    lone: str | None = None
    edge: bool = False
    snow: bool = False
    late_days: int = 0


PATTERNS: dict[str, tuple[tuple[Role, ...], ...]] = {
    "demo": (
        (
            Role(orbit=0, sky=Sky.CLEAR, collections=(L2A,), dialect="old"),
            Role(orbit=1, sky=Sky.SCATTERED, collections=(L2A, C1), lone=C1),
            Role(orbit=4, sky=Sky.FEW, collections=(C1,), edge=True),
        ),
        (
            Role(orbit=0, sky=Sky.THIN, collections=(C1,)),
            Role(orbit=1, sky=Sky.OVERCAST, collections=(L2A,)),
            Role(orbit=2, sky=Sky.CLEAR, collections=(L2A, C1)),
        ),
        (
            Role(orbit=1, sky=Sky.CLEAR, collections=(C1,)),
            Role(orbit=2, sky=Sky.SCATTERED, collections=(L2A,), late_days=24),
            Role(orbit=5, sky=Sky.FEW, collections=(L2A,), snow=True),
        ),
    ),
    "tiny": (
        (
            Role(orbit=0, sky=Sky.CLEAR, collections=(L2A, C1)),
            Role(orbit=1, sky=Sky.SCATTERED, collections=(C1,), edge=True),
        ),
        (
            Role(orbit=1, sky=Sky.OVERCAST, collections=(L2A,)),
            Role(orbit=2, sky=Sky.CLEAR, collections=(L2A,), dialect="old"),
        ),
        (
            Role(orbit=1, sky=Sky.CLEAR, collections=(C1,)),
            Role(orbit=5, sky=Sky.FEW, collections=(L2A,), snow=True, late_days=24),
        ),
    ),
}
