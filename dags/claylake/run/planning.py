"""Making a plan: cells, scenes worth reading, an estimate; written to the run folder."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from claylake import release, store
from claylake.area import cells
from claylake.catalogue.candidates import count_candidates
from claylake.catalogue.footprint import footprint
from claylake.catalogue.manifest import write_manifest
from claylake.catalogue.scene import Scene
from claylake.catalogue.search import search_scenes
from claylake.cluster.estimate import Workload
from claylake.cluster.layout_choice import cheapest
from claylake.errors import FootprintError, SceneError
from claylake.plan import CELLS, MANIFEST, Found, Plan, RunRef, run_folder, selection_digest
from claylake.run import ownership, published

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pyarrow as pa

    from claylake.configuration.settings import Settings
    from claylake.month import Month
    from claylake.request.params import Request

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Selected:
    """Scenes to read, ordered by pass and id; and what became of every item."""

    scenes: tuple[Scene, ...]
    found: Found

    def reduced_to(self, scenes: tuple[Scene, ...]) -> Selected:
        """With some of the scenes only; the others count as settled."""
        settled = self.found.settled + self.found.kept - len(scenes)
        return Selected(scenes=scenes, found=self.found.model_copy(update={"settled": settled, "kept": len(scenes)}))


def make_plan(*, run: RunRef, request: Request, settings: Settings) -> Plan:
    """Find out what a run is to do, and write its cells, manifest and plan.

    ``plan.json`` is written last: who finds it finds the others too.

    Args:
        run: DAG id and run id.
        request: the AOI and the months.
        settings: of the run, ``deployed`` among them.

    Raises:
        ClaylakeError: of the kind that fits: bad input, catalogue, store.
    """
    deployed = settings.where
    version = release.model_version(settings)
    area = cells.cells_by_rule(request.aoi)
    lake = published.catalog(deployed)
    rule = ownership.rule_of(settings.grid.ownership, lake, deployed.database, area)
    table = area.by(rule)
    work = _work(table, area.digests[rule], request, settings, version)
    months = ", ".join(map(str, request.months))
    log.info("%s: %s cells by ownership rule %s, %s", request.aoi.name, table.num_rows, rule, months)

    items = search_scenes(settings.catalogue, request.aoi.geometry, request.months, settings.selection.collections)
    settled = published.settled_scenes(lake, deployed.database, work)
    missing = published.missing_vectors(lake, deployed.database, work)
    kept = select_scenes(items, request.months, settings.selection.max_scene_cloud, settled)
    elsewhere = ownership.settled_by_others(lake, deployed.database, work, area)
    kept = kept.reduced_to(ownership.with_new_cells(kept.scenes, elsewhere, table))
    expected = count_candidates(table, kept.scenes, settings.selection.passes_per_month)
    log.info(
        "%s; %s pairs of cell and pass, about %s chips, %s vectors missing",
        kept.found,
        expected.pairs,
        expected.chips,
        missing,
    )

    plan = Plan(
        run=run,
        aoi_name=request.aoi.name,
        aoi_geometry=request.aoi.geometry,
        months=tuple(str(month) for month in request.months),
        folder=run_folder(deployed.lake, run.dag_id, request.months[0], run.run_id),
        work=work_of(kept.found.kept, missing),
        cells=table.num_rows,
        ownership=rule,
        cells_digest=work.cells_digest,
        selection_digest=work.selection_digest,
        missing_vectors=missing,
        found=kept.found,
        estimate=cheapest(
            Workload(
                scenes=kept.found.kept,
                cells=table.num_rows,
                candidates=expected.pairs,
                chips=expected.chips,
                vectors=expected.chips + missing,
            ),
            settings,
        ),
        model_version=version,
        settings=settings,
    )
    store.write(plan.uri(CELLS), cells.to_parquet(table))
    write_manifest(plan.uri(MANIFEST), kept.scenes)
    plan.save()
    return plan


def work_of(scenes: int, missing_vectors: int) -> Literal["full", "vectors", "nothing"]:
    """What kind of work there is."""
    if scenes:
        return "full"
    return "vectors" if missing_vectors else "nothing"


def select_scenes(
    items: Iterable[dict[str, object]],
    months: Collection[Month],
    max_scene_cloud: float,
    settled: Collection[tuple[str, str | None]],
) -> Selected:
    """Separate the scenes to read from all other items, and count those by reason.

    Args:
        items: raw STAC items.
        months: those of the run.
        max_scene_cloud: highest cloud cover of a scene, percent; an item without one is kept.
        settled: (scene id, `updated`) of scenes done before; one is left out only as the same version.
    """
    unusable: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    kept = []
    for item in items:
        counts["items"] += 1
        try:
            scene = _scene_of(item)
        except SceneError as error:
            log.warning("left out: %s", error)
            unusable[error.reason] += 1
            continue
        if scene.month not in months:
            counts["other_month"] += 1
        elif scene.cloud_cover is not None and scene.cloud_cover > max_scene_cloud:
            counts["too_cloudy"] += 1
        elif (scene.id, scene.updated) in settled:
            counts["settled"] += 1
        else:
            kept.append(scene)
    kept.sort(key=lambda scene: (scene.pass_id, scene.id))
    found = Found(
        items=counts["items"],
        unusable=dict(sorted(unusable.items())),
        other_month=counts["other_month"],
        too_cloudy=counts["too_cloudy"],
        settled=counts["settled"],
        kept=len(kept),
    )
    return Selected(scenes=tuple(kept), found=found)


def _scene_of(item: dict[str, object]) -> Scene:
    scene = Scene.from_item(item)
    try:
        footprint(scene.footprint)
    except FootprintError as error:
        raise SceneError(scene.id, "bad_footprint", str(error)) from error
    return scene


def _work(table: pa.Table, cells_digest: str, request: Request, settings: Settings, version: str) -> published.RunScope:
    return published.RunScope(
        cell_ids=tuple(table["cell_id"].to_pylist()),
        geohashes=tuple(table["geohash"].to_pylist()),
        cells_digest=cells_digest,
        selection_digest=selection_digest(settings.selection),
        months=tuple(request.months),
        model_version=version,
        convention=settings.encoder.convention,
    )
