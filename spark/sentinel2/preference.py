"""Which scene of a pass is preferred, where pixels do not decide: one total order over a manifest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claylake.catalogue.scene import Scene

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def preferences(scenes: Iterable[Scene], collections: Sequence[str]) -> dict[str, int]:
    """Rank of each scene id, 0 the best, whatever the order of `scenes`.

    By the order of `collections` (others last), then the newest baseline, the latest `updated`,
    the highest sequence, and the id.
    """
    order = {name: place for place, name in enumerate(collections)}

    def key(scene: Scene) -> tuple[int, float, float, float, str]:
        place = order.get(scene.collection, len(order))
        return place, -_number(scene.baseline), -_moment(scene.updated).timestamp(), -_number(scene.sequence), scene.id

    return {scene.id: rank for rank, scene in enumerate(sorted(scenes, key=key))}


def _number(text: str | None) -> float:
    """A baseline (``05.10``) or sequence (``1``) as a number; -1 where it is missing or unreadable."""
    try:
        return float(text or "")
    except ValueError:
        return -1.0


def _moment(text: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return _LONG_AGO
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
