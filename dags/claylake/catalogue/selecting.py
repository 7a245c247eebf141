"""Which of the items that a search lists are read: one pass over them, in which no raw item is kept."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from claylake.catalogue import dialects
from claylake.catalogue.footprint import footprint
from claylake.catalogue.halves import half_of, with_partners
from claylake.catalogue.hrefs import refusal
from claylake.catalogue.packed import PackedScene
from claylake.catalogue.scene import Scene
from claylake.catalogue.values import moment
from claylake.errors import FootprintError, SceneError
from claylake.pass_month import MARGIN, pass_month
from claylake.plan import Found, UsableScenes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shapely.geometry.base import BaseGeometry

    from claylake.month import Month

log = logging.getLogger(__name__)
MISSING_ASSET: Final = "missing_asset"
UNREADABLE_HREF: Final = "unreadable_href"
_ELSEWHERE: Final = "elsewhere"
"""Of an item that the search lists although it does not meet the area: not counted."""


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What makes an item one to read.

    `max_scene_cloud` is the highest cloud cover, percent; an item without one is kept. `settled` are (scene id,
    `updated`) of scenes done before: one is left out only as the same version, and only if no other half of its
    tile-date is to be read (`claylake.catalogue.halves`). `settled_by_others` are those
    done for the AOI's cells by another ownership rule: such a scene supplies new cells alone. `area` is what
    footprints must meet, lon/lat; None where the search saw to that. `first` and `last`: days (UTC) of the passes that
    are taken.
    """

    months: Collection[Month]
    max_scene_cloud: float
    settled: Collection[tuple[str, str | None]]
    settled_by_others: Collection[tuple[str, str | None]] = ()
    area: BaseGeometry | None = None
    first: date = date.min
    last: date = date.max


@dataclass(frozen=True, kw_only=True)
class Selected:
    """Scenes to read, ordered by pass and id; what became of every item; and how many could be read of each month."""

    scenes: tuple[PackedScene, ...]
    found: Found
    usable: dict[str, UsableScenes]

    def reduced_to(self, scenes: tuple[PackedScene, ...]) -> Selected:
        """With some of the scenes only; the others count as settled."""
        settled = self.found.settled + self.found.kept - len(scenes)
        found = self.found.model_copy(update={"settled": settled, "kept": len(scenes)})
        return replace(self, scenes=scenes, found=found)


@dataclass(frozen=True, slots=True)
class _Unusable:
    reason: str
    message: str
    month: str | None

    @classmethod
    def of(cls, error: SceneError, month: str | None) -> Self:
        """What is kept of an error: it would itself keep the item alive, by its traceback."""
        return cls(error.reason, str(error), month)


@dataclass(frozen=True, slots=True)
class _Passed:
    """A scene that could be read and is not; `why` is a field of `Found`. `scene`: to be read if another half is."""

    why: str
    month: str
    scene: PackedScene | None = None


_Outcome = PackedScene | _Unusable | _Passed | str


def select_scenes(items: Iterable[dict[str, Any]], criteria: Criteria) -> Selected:
    """Separate the scenes to read from all other items, and count those by reason.

    Of several versions of an item (collection and id), the one updated last counts, and of those the first.

    Args:
        items: raw STAC items, in any order; none is kept.
        criteria: what makes an item one to read.
    """
    newest: dict[tuple[str, str], tuple[datetime, _Outcome]] = {}
    total = 0
    for item in items:
        total += 1
        # Items without an id are not versions of one another.
        key, updated = (str(item.get("collection", "")), str(item.get("id") or f"(no id, {total})")), _updated(item)
        if key not in newest or updated > newest[key][0]:
            newest[key] = updated, _outcome(item, criteria)
    if total > len(newest):
        log.info("catalogue listed %s items twice; the ones updated last are taken", total - len(newest))
    return _selected([newest[key][1] for key in sorted(newest)], criteria.months)


def _selected(outcomes: list[_Outcome], months: Collection[Month]) -> Selected:
    counts = Counter(outcome for outcome in outcomes if isinstance(outcome, str))
    counts.update(outcome.why for outcome in outcomes if isinstance(outcome, _Passed))
    if counts[_ELSEWHERE]:
        log.info("catalogue listed %s items that do not meet the area; they are not counted", counts[_ELSEWHERE])
    unusable = [outcome for outcome in outcomes if isinstance(outcome, _Unusable)]
    new = [outcome for outcome in outcomes if isinstance(outcome, PackedScene)]
    halves = [outcome.scene for outcome in outcomes if isinstance(outcome, _Passed) and outcome.scene is not None]
    kept = with_partners([*new, *halves])
    for each in unusable:
        log.warning("left out: %s", each.message)
    kept.sort(key=lambda scene: (scene.pass_id, scene.id))
    found = Found(
        items=len(outcomes) - counts[_ELSEWHERE],
        unusable=dict(sorted(Counter(each.reason for each in unusable).items())),
        other_month=counts["other_month"],
        other_date=counts["other_date"],
        too_cloudy=counts["too_cloudy"],
        settled=counts["settled"] - (len(kept) - len(new)),
        kept=len(kept),
    )
    of_month = Counter(str(pass_month(scene.pass_id)) for scene in new)
    of_month.update(outcome.month for outcome in outcomes if isinstance(outcome, _Passed))
    listed = of_month + Counter(each.month for each in unusable)
    names = [str(month) for month in months]
    by_month = {name: UsableScenes(listed=listed[name], usable=of_month[name]) for name in names}
    return Selected(scenes=tuple(kept), found=found, usable=by_month)


def _outcome(item: dict[str, Any], criteria: Criteria) -> _Outcome:
    """The scene if it is to be read; else why it is not, as a field of `Found` or a reason of its own."""
    shown, area = "", None
    try:
        area = footprint(item.get("geometry") or {})
    except FootprintError as error:
        shown = str(error)
    if criteria.area is not None and area is not None and not criteria.area.intersects(area):
        return _ELSEWHERE
    try:
        scene = Scene.from_item(item)
    except SceneError as error:
        return _Unusable.of(error, _month(item))
    refused = refusal(item, {key: asset.href for key, asset in scene.assets.items()})
    if refused is not None and scene.month in criteria.months:
        return _Unusable.of(SceneError(scene.id, UNREADABLE_HREF, refused), str(scene.month))
    if area is None:
        return _Unusable.of(SceneError(scene.id, "bad_footprint", shown), str(scene.month))
    return _of_scene(scene, area, criteria)


def _of_scene(scene: Scene, area: BaseGeometry, criteria: Criteria) -> _Outcome:
    if scene.month not in criteria.months:
        return "other_month"
    if not min(criteria.months).start - MARGIN <= scene.datetime <= max(criteria.months).end + MARGIN:
        # Rows of a run are searched for by datetime, as its items are: another would not be found again.
        far = f"its datetime {scene.datetime:%Y-%m-%dT%H:%M}Z is outside the months of its pass, {scene.pass_id}"
        return _Unusable.of(SceneError(scene.id, "malformed", far), str(scene.month))
    if scene.missing_assets:
        missing = f"the item offers no asset for {', '.join(scene.missing_assets)}"
        return _Unusable.of(SceneError(scene.id, MISSING_ASSET, missing), str(scene.month))
    dated = criteria.first <= scene.pass_start.date() <= criteria.last
    if not dated or (scene.cloud_cover is not None and scene.cloud_cover > criteria.max_scene_cloud):
        return _Passed("too_cloudy" if dated else "other_date", str(scene.month))
    if (scene.id, scene.updated) in criteria.settled:
        scene = scene.model_copy(update={"settled": True})
        packed = None if half_of(scene) is None else PackedScene.of(scene, area)
        return _Passed("settled", str(scene.month), packed)
    if (scene.id, scene.updated) in criteria.settled_by_others:
        scene = scene.model_copy(update={"only_new_cells": True})
    return PackedScene.of(scene, area)


def _updated(item: dict[str, Any]) -> datetime:
    properties = item.get("properties")
    try:
        return moment(properties.get("updated") if isinstance(properties, dict) else None)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _month(item: dict[str, Any]) -> str | None:
    """Month of an item that is no scene, by its date, as far as it has one."""
    properties = item.get("properties")
    try:
        found = dialects.acquired(properties) if isinstance(properties, dict) else None
    except ValueError:
        return None
    return None if found is None else f"{found:%Y-%m}"
