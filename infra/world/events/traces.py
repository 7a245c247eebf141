"""The traces of a world's events."""

from collections import Counter
from collections.abc import Callable, Sequence

from infra.world.events.clear_cut import fell
from infra.world.events.event import CLEAR_CUT, FIRE, FLOOD, SETTLEMENT, Event
from infra.world.events.fire import burn
from infra.world.events.flood import flood
from infra.world.events.layer import Trace
from infra.world.events.settlement import settle
from infra.world.events.site import Site
from infra.world.ground.landcover import Landscape
from infra.world.place import Place

_PAINTERS: dict[str, Callable[[Site], Trace]] = {FIRE: burn, FLOOD: flood, CLEAR_CUT: fell, SETTLEMENT: settle}


def traces_of(events: Sequence[Event], place: Place, land: Landscape, seed: int) -> list[Trace]:
    """Return what each event leaves, in their order.

    Args:
        events: of the world.
        place: of the world.
        land: its landscape.
        seed: of everything random.

    Raises:
        WorldError: an event does not fit where it is wanted; the message says why, and where it would.
    """
    before: Counter[str] = Counter()
    traces = []
    for event in events:
        site = Site(event=event, place=place, land=land, seed=seed, number=before[event.kind])
        traces.append(_PAINTERS[event.kind](site))
        before[event.kind] += 1
    return traces
