"""Making a plan: cells, scenes worth reading, an estimate; written to the run folder."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

from claylake import release, store
from claylake.area import cells
from claylake.catalogue.candidates import count_candidates
from claylake.catalogue.folder import folder_of
from claylake.catalogue.manifest import write_manifest
from claylake.catalogue.search import area_to_meet, has_any, search_items
from claylake.catalogue.selecting import Criteria, select_scenes
from claylake.cluster.estimate import Workload, without_cluster
from claylake.cluster.layout_choice import planned
from claylake.cluster.storage import year_of
from claylake.errors import BadInputError
from claylake.month import require_observed
from claylake.plan import CELLS, MANIFEST, Plan, RunRef, run_folder, selection_digest
from claylake.request.size_limit import require_fitting
from claylake.run import ownership, published, remarks
from claylake.run.nodes_advice import about_nodes
from claylake.vocabulary import REPLACE

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog

    from claylake.configuration.settings import Settings
    from claylake.request.params import Request

log = logging.getLogger(__name__)


def make_plan(
    *, run: RunRef, request: Request, settings: Settings, lake: Catalog | None = None, now: datetime | None = None
) -> Plan:
    """Find out what a run is to do, and write its cells, manifest and plan.

    ``plan.json`` is written last: who finds it finds the others too.

    Args:
        run: DAG id and run id.
        request: the AOI and the months.
        settings: of the run, ``deployed`` among them.
        lake: where published rows are; None for the catalog that the settings name.
        now: the moment (aware) up to which there are scenes; None for the present.

    Raises:
        ClaylakeError: of the kind that fits: bad input, catalogue, store.
    """
    now = now or datetime.now(UTC)
    where = settings.where
    _refuse_folder(settings)
    require_observed(*request.months)
    remarks.require_begun(request.months, now)
    require_fitting(request.aoi.geometry, settings, len(request.months))
    version = release.model_version(settings)
    area = cells.cells_by_rule(request.aoi)
    lake = lake or published.catalog(where)
    rule = ownership.rule_of(settings.grid.ownership, lake, where.database, area)
    table, digests = area.by(rule), area.digests
    if not table.num_rows:
        msg = f"AOI {request.aoi.name}: no grid cell overlaps it by ownership rule {rule}: Sentinel-2 has no tile there"
        raise BadInputError(msg)
    work = _work(table, digests[rule], request, settings, version)
    months = ", ".join(map(str, request.months))
    log.info("%s: %s cells by ownership rule %s, %s", request.aoi.name, table.num_rows, rule, months)

    settled = published.settled_scenes(lake, where.database, work)
    missing = published.missing_vectors(lake, where.database, work)
    criteria = Criteria(
        months=request.months,
        max_scene_cloud=settings.selection.max_scene_cloud,
        settled=settled,
        settled_by_others=ownership.settled_by_others(lake, where.database, work, digests),
        area=area_to_meet(request.aoi.geometry),
        first=settings.selection.start_date or date.min,
        last=settings.selection.end_date or date.max,
    )
    listed = search_items(settings.catalogue, request.aoi.geometry, request.months, settings.selection.collections)
    kept = select_scenes(listed, criteria)
    kept = kept.reduced_to(ownership.with_cells(kept.scenes, table))
    expected = count_candidates(table, kept.scenes, settings.selection.passes_per_month)
    log.info(
        "%s; %s pairs of cell and pass, about %s chips, %s vectors missing",
        kept.found,
        expected.pairs,
        expected.chips,
        missing,
    )

    ever = None
    if not kept.found.items:
        ever = has_any(settings.catalogue, request.aoi.geometry, settings.selection.collections)
    about_months = (
        *remarks.without_scenes(request.aoi.name, kept, settings, ever),
        *remarks.unfinished(request.months, settings, now),
        *remarks.pixels_end(request.months, settings, published.chips_kept_from(lake, where.database), now),
    )
    for remark in about_months:
        log.warning("%s", remark)

    load = Workload(
        scenes=kept.found.kept,
        cells=table.num_rows,
        candidates=expected.pairs,
        chips=expected.chips,
        vectors=expected.chips + missing,
    )
    here = settings.local is not None
    settings, estimate = (settings, without_cluster(load)) if here else planned(load, settings)
    plan = Plan(
        run=run,
        aoi_name=request.aoi.name,
        aoi_geometry=request.aoi.geometry,
        months=tuple(str(month) for month in request.months),
        folder=run_folder(where.lake, run.dag_id, request.months[0], run.run_id),
        work=work_of(kept.found.kept, missing),
        cells=table.num_rows,
        ownership=rule,
        cells_digest=work.cells_digest,
        selection_digest=work.selection_digest,
        missing_vectors=missing,
        found=kept.found,
        usable=kept.usable,
        remarks=(*request.aoi.remarks, *about_months, *about_nodes(estimate, settings)),
        estimate=estimate,
        kept_year=None if here else year_of(expected.chips, len(request.months), kept.found, settings.prices),
        model_version=version,
        settings=settings,
    )
    with store.writing(plan.uri(CELLS)) as sink:
        cells.write_parquet(table, sink)
    write_manifest(plan.uri(MANIFEST), kept.scenes)
    plan.save()
    return plan


def _refuse_folder(settings: Settings) -> None:
    """Refuse a folder of scenes where other machines read them."""
    if settings.local is None and folder_of(settings.catalogue.url) is not None:
        msg = (
            f"catalogue.url {settings.catalogue.url!r} is a folder of this machine, which a cluster's nodes lack: "
            "give the https:// address of a STAC API"
        )
        raise BadInputError(msg)


def work_of(scenes: int, missing_vectors: int) -> Literal["full", "vectors", "nothing"]:
    """What kind of work there is."""
    if scenes:
        return "full"
    return "vectors" if missing_vectors else "nothing"


def _work(table: pa.Table, cells_digest: str, request: Request, settings: Settings, version: str) -> published.RunScope:
    return published.RunScope(
        cell_ids=table["cell_id"],
        geohashes=table["geohash"],
        cells_digest=cells_digest,
        selection_digest=selection_digest(settings.selection),
        months=tuple(request.months),
        model_version=version,
        convention=settings.encoder.convention,
        replaces=settings.catalogue.on_reprocessed == REPLACE,
    )
