"""Plans over generated scenes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from claylake import store
from claylake.area.aoi import Aoi
from claylake.area.cells import cells_of, digest, write_parquet
from claylake.catalogue.manifest import write_manifest
from claylake.catalogue.packed import PackedScene
from claylake.configuration.settings import Settings
from claylake.month import Month
from claylake.plan import CELLS, MANIFEST, Estimate, Found, Plan, RunRef, run_folder, selection_digest

if TYPE_CHECKING:
    from claylake.catalogue.scene import Scene
    from infra.local.client import StackInfo

_numbers = itertools.count()
LAKE = "s3://claylake-tests"
PlanMaker = Callable[..., Plan]


@pytest.fixture
def make_plan(stack: StackInfo) -> PlanMaker:
    """Makes plans of one fresh database: an AOI by its bbox, and scenes."""
    database = f"extract{next(_numbers)}"

    def make(
        bbox: list[float],
        scenes: list[Scene],
        *,
        run_id: str = "manual__1",
        work: str = "full",
        radiometry: dict[str, str] | None = None,
        on_reprocessed: str = "keep",
        **selection: Any,
    ) -> Plan:
        deployed = {
            "region": "us-west-2",
            "lake": LAKE,
            "database": database,
            "artifacts": f"{LAKE}/artifacts",
            "log_uri": f"{LAKE}/logs",
            "service_role": "s",
            "instance_profile": "i",
            "subnet_ids": ["subnet-local"],
        }
        catalogue = {"radiometry": radiometry or {}, "on_reprocessed": on_reprocessed}
        sections = {"deployed": deployed, "selection": selection, "catalogue": catalogue}
        settings = Settings.model_validate(sections)
        aoi = Aoi.from_bbox(bbox)
        cells = cells_of(aoi)
        numbers = dict.fromkeys(
            ("scenes", "cells", "candidates", "chips", "read_gb", "store_gb", "gpu_hours", "cluster_hours", "usd"), 0
        )
        plan = Plan(
            run=RunRef(dag_id="claylake__test", run_id=run_id),
            aoi_name="test",
            aoi_geometry=aoi.geometry,
            months=("2020-02",),
            folder=run_folder(LAKE, f"{database}__test", Month(2020, 2), run_id),
            work=work,
            cells=cells.num_rows,
            cells_digest=digest(cells["cell_id"].to_pylist()),
            selection_digest=selection_digest(settings.selection),
            missing_vectors=0,
            found=Found(kept=len(scenes)),
            estimate=Estimate(**numbers, instances={}),
            model_version="demo-random+0123456789ab",
            settings=settings,
        )
        with store.writing(plan.uri(CELLS)) as sink:
            write_parquet(cells, sink)
        # A manifest keeps the documents alone, those of scenes without a footprint too.
        write_manifest(plan.uri(MANIFEST), [PackedScene.of(each, shapely.box(0, 0, 1, 1)) for each in scenes])
        plan.save()
        return plan

    return make
