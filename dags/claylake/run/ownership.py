"""Which ownership rule a run's cells follow, and what an AOI that moved on from another rule need not observe again.

An AOI keeps the rule under which it has published scenes, or the newest of several. One that has published nothing, or
whose geometry was edited since, begins anew, with the newest rule. The setting `grid.ownership` decides otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from claylake.area.rule import NEWEST, RULES
from claylake.catalogue.candidates import find_candidates
from claylake.catalogue.halves import with_partners
from claylake.run import published

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from pyiceberg.catalog import Catalog

    from claylake.area.cells import AoiCells
    from claylake.area.rule import Rule
    from claylake.catalogue.packed import PackedScene
    from claylake.configuration.settings import Ownership


def rule_of(wanted: Ownership, lake: Catalog, database: str, area: AoiCells) -> Rule:
    """The rule of a run.

    Args:
        wanted: the setting.
        lake: the Glue catalog.
        database: of the lake's tables.
        area: the AOI's cells.

    Raises:
        StoreError: if the table of scenes is there but cannot be read.
    """
    if wanted != "auto":
        return wanted
    begun = (rule for rule in reversed(RULES) if published.has_scenes(lake, database, area.digests[rule]))
    return NEWEST if area.agreed else next(begun, NEWEST)


def settled_by_others(
    lake: Catalog, database: str, work: published.RunScope, digests: Mapping[Rule, str]
) -> set[tuple[str, str | None]]:
    """(scene id, `updated`) of the scenes that are done for the same AOI's cells by another rule.

    Args:
        lake: the Glue catalog.
        database: of the lake's tables.
        work: the run's cells and selection.
        digests: of the AOI's cells, by rule.

    Raises:
        StoreError: if the table of scenes is there but cannot be read.
    """
    others = set(digests.values()) - {work.cells_digest}
    found: set[tuple[str, str | None]] = set()
    for digest in others:
        found |= published.settled_scenes(lake, database, replace(work, cells_digest=digest))
    return found


def with_cells(scenes: tuple[PackedScene, ...], cells: pa.Table) -> tuple[PackedScene, ...]:
    """The scenes that there is something to observe in: of those settled by another rule, those that show a new cell.

    Settled halves go with the last half that is not settled.

    Args:
        scenes: to read, in order.
        cells: of the run, as of `claylake.area.cells.AoiCells.by`.
    """
    places = [place for place, scene in enumerate(scenes) if scene.only_new_cells]
    settled = [scenes[place] for place in places]
    shown = {int(place) for _, index in find_candidates(cells, settled) for place in index} if settled else set()
    nothing_new = {place for number, place in enumerate(places) if number not in shown}
    return tuple(with_partners(scene for place, scene in enumerate(scenes) if place not in nothing_new))
