"""How much of a unit is green, straw or bare soil on a day of the year.

Curves are rough central European crop calendars: piecewise linear, shifted per parcel.
"""

import numpy as np
from numpy.typing import NDArray

from infra.world.ground.units import Kind, Units

_Knots = tuple[tuple[int, float, float], ...]

_RIPENING: _Knots = (
    (60, 0.5, 0.0),
    (120, 0.92, 0.0),
    (160, 0.85, 0.05),
    (178, 0.5, 0.4),
    (188, 0.14, 0.78),
    (203, 0.03, 0.92),
    (205, 0.03, 0.68),
)

CALENDAR: dict[Kind, _Knots] = {
    Kind.CEREAL_BARE: (*_RIPENING, (220, 0.05, 0.55), (224, 0.02, 0.08), (365, 0.05, 0.02)),
    Kind.CEREAL_STUBBLE: (*_RIPENING, (235, 0.12, 0.5), (262, 0.26, 0.34), (320, 0.2, 0.2)),
    Kind.CEREAL_COVER: (
        *_RIPENING,
        (216, 0.04, 0.2),
        (231, 0.2, 0.05),
        (254, 0.76, 0.0),
        (275, 0.9, 0.0),
    ),
    Kind.RAPE: (
        (60, 0.6, 0.0),
        (115, 0.9, 0.0),
        (165, 0.5, 0.3),
        (185, 0.12, 0.72),
        (196, 0.05, 0.75),
        (198, 0.06, 0.55),
        (216, 0.3, 0.3),
        (224, 0.04, 0.04),
        (240, 0.08, 0.0),
        (258, 0.5, 0.0),
        (275, 0.8, 0.0),
    ),
    Kind.MAIZE: (
        (130, 0.0, 0.05),
        (165, 0.2, 0.0),
        (185, 0.62, 0.0),
        (200, 0.92, 0.0),
        (240, 0.95, 0.02),
        (254, 0.75, 0.18),
        (264, 0.5, 0.4),
        (268, 0.03, 0.45),
        (300, 0.03, 0.3),
    ),
    Kind.BEET: ((120, 0.0, 0.0), (150, 0.2, 0.0), (175, 0.8, 0.0), (260, 0.94, 0.0)),
    Kind.POTATO: (
        (130, 0.0, 0.0),
        (160, 0.4, 0.0),
        (180, 0.88, 0.0),
        (215, 0.75, 0.08),
        (232, 0.3, 0.4),
        (245, 0.08, 0.35),
        (252, 0.02, 0.06),
    ),
    Kind.MEADOW: ((60, 0.5, 0.2), (100, 0.9, 0.03), (210, 0.82, 0.1), (300, 0.82, 0.1)),
}


WINTER: dict[Kind, tuple[float, float]] = {
    Kind.CEREAL_STUBBLE: (0.2, 0.15),
    Kind.CEREAL_COVER: (0.55, 0.1),
    Kind.RAPE: (0.65, 0.0),
    Kind.MAIZE: (0.04, 0.3),
    Kind.BEET: (0.06, 0.02),
    Kind.POTATO: (0.15, 0.02),
    Kind.MEADOW: (0.55, 0.2),
}
"""Green cover and straw from December to February, where a calendar ends before: sown, frozen back or harvested."""
_LATE, _WINTER = 290, (335, 45)
"""Days: until when the calendars above hold; where winter begins and ends."""


def knots(kind: Kind) -> _Knots:
    """Return a crop's whole year, from day 0 on: its calendar between two winters."""
    calendar = CALENDAR[kind]
    if kind not in WINTER:
        return ((0, *calendar[-1][1:]), *calendar)
    green, straw = WINTER[kind]
    last = () if calendar[-1][0] >= _LATE else ((_LATE, *calendar[-1][1:]),)
    return ((0, green, straw), (_WINTER[1], green, straw), *calendar, *last, (_WINTER[0], green, straw))


def cover(units: Units, day: int) -> NDArray[np.float64]:
    """Return the cover of every unit on a day of the year.

    Materials and forest, which have no calendar, count as wholly green.

    Returns:
        `(unit, 3)`: fractions of green cover, straw and soil, which sum to 1.
    """
    green = np.ones(units.kind.size)
    straw = np.zeros(units.kind.size)
    when = day - units.shift
    for kind in CALENDAR:
        mine = units.kind == kind
        days, greens, straws = (np.array(column) for column in zip(*knots(kind), strict=True))
        green[mine] = np.interp(when[mine], days, greens)
        straw[mine] = np.interp(when[mine], days, straws)
        green[mine] *= units.lush[mine]
    mown = _mown(units, day)
    straw += 0.45 * mown * green
    green *= 1 - 0.62 * mown
    return np.column_stack([green, straw, np.clip(1 - green - straw, 0, 1)])


def _mown(units: Units, day: int) -> NDArray[np.float64]:
    """Return how short-cut meadows are: 1 on the day of mowing, 0 from three weeks later and in winter."""
    cycle, recovery = 42, 21
    since = (day + units.phase * cycle) % cycle
    fresh = np.clip(1 - since / recovery, 0, 1) if 100 < day < 300 else np.zeros(since.size)
    return np.where(units.kind == Kind.MEADOW, fresh, 0.0)
