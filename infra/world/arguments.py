"""What a world is made of: months, seed, size, and events. Needs no array library."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from claylake.errors import BadInputError
from claylake.month import Month, parse_months
from infra.world.errors import WorldError
from infra.world.events.event import FIRE, Event, Where

VERSION = 2
"""Of the generator: raised with every change that moves a pixel or an item of the default world."""
MONTHS = ("2024-07", "2024-08", "2024-09")
SEED = 7
FIRST_MONTH = "2015-07"
"""The first whole month of Sentinel-2A, which was launched on 2015-06-23."""

GROVE = Where(east=0.63, north=0.71, is_share=True)
"""Woods of every world, whatever happens in it."""
DEFAULT_EVENTS = (
    Event(
        kind=FIRE,
        where=GROVE,
        start=datetime(2024, 8, 29, 13, 0, tzinfo=UTC),
    ),
)
"""A forest fire between August's and September's passes of 2024."""


@dataclass(frozen=True, kw_only=True)
class WorldArguments:
    """All that pixels depend on, the month apart.

    Attributes:
        size: Name of the place and its extent.
        seed: Of everything random.
        events: What happens.
    """

    size: str = "demo"
    seed: int = SEED
    events: tuple[Event, ...] = DEFAULT_EVENTS

    @property
    def stamp(self) -> str:
        """Marks scenes of this world; other arguments have another stamp."""
        plain = f"{VERSION}-{self.size}-{self.seed}"
        return plain if self.events == DEFAULT_EVENTS else f"{plain}-{self._digest}"

    @property
    def folder(self) -> str:
        """Name of the folder that keeps it: its size, and for any but the default world a digest of the arguments."""
        is_default = self.seed == SEED and self.events == DEFAULT_EVENTS
        return self.size if is_default else f"{self.size}-{self._digest}"

    @property
    def options(self) -> list[str]:
        """These arguments as options of `python -m infra.world`."""
        events = [option for event in self.events for option in ("--event", str(event))] or ["--event", "none"]
        return ["--size", self.size, "--seed", str(self.seed), *events]

    @property
    def _digest(self) -> str:
        document = json.dumps([self.seed, [str(event) for event in self.events]])
        return hashlib.sha256(document.encode()).hexdigest()[:12]


def read_events(texts: list[str] | None) -> tuple[Event, ...]:
    """Events from their arguments: the default where there are none, no event for `none`.

    Raises:
        WorldError: One cannot be read.
    """
    if not texts:
        return DEFAULT_EVENTS
    if texts == ["none"]:
        return ()
    if "none" in texts:
        raise WorldError(f"events {', '.join(texts)}: none stands alone")
    return tuple(Event.parse(text) for text in texts)


def read_month(text: str) -> Month:
    """One month, `yyyy-mm`.

    Raises:
        WorldError: It is none, or one before Sentinel-2.
    """
    try:
        month = Month.parse(text)
    except BadInputError as error:
        raise WorldError(str(error)) from error
    if str(month) < FIRST_MONTH:
        raise WorldError(f"month {text}: Sentinel-2 has whole months from {FIRST_MONTH} on")
    return month


def read_months(text: str) -> tuple[str, ...]:
    """Months from `yyyy-mm`, `yyyy-mm/yyyy-mm` or several of these with commas; in order, each once.

    Raises:
        WorldError: One is none, a range runs backwards, or a month is before Sentinel-2.
    """
    try:
        months = {str(month) for part in text.split(",") for month in parse_months(part)}
    except BadInputError as error:
        raise WorldError(str(error)) from error
    return tuple(str(read_month(month)) for month in sorted(months))
