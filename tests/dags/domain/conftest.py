"""Items as Earth Search writes them, a STAC API of them, and plans in plain folders."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from claylake.area.aoi import Aoi
from claylake.configuration.settings import Settings, assemble
from claylake.month import Month
from claylake.plan import Estimate, Found, Plan, RunRef
from claylake.request.params import Request
from claylake.run import published
from claylake.vocabulary import ASSETS
from tests.shared.stac import Stac, serving

CARD = {"model_version": "demo-random+0123456789ab", "conventions": ["tutorial", "blank"], "precisions": ["fp32"]}
RUN = RunRef(dag_id="claylake__town", run_id="manual__1")
JULY = (Month(2024, 7),)
DEPLOYED = {
    "region": "us-west-2",
    "lake": "s3://lake",
    "artifacts": "s3://artifacts",
    "log_uri": "s3://lake/logs",
    "service_role": "arn:aws:iam::123456789012:role/emr",
    "instance_profile": "claylake-emr",
    "subnet_ids": ["subnet-1", "subnet-2"],
}


@pytest.fixture
def stac():
    with serving(Stac()) as api:
        yield api


@pytest.fixture
def box() -> Callable[..., dict[str, Any]]:
    def make(west: float, south: float, east: float, north: float) -> dict[str, Any]:
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {"type": "Polygon", "coordinates": [ring]}

    return make


@pytest.fixture
def item(box) -> Callable[..., dict[str, Any]]:
    """An Earth Search item of tile 33TWN (UTM 33), over 14.6..16.1 E, 45.0..46.0 N."""

    def make(item_id: str = "S2B_33TWN_20240710_0_L2A", **properties: Any) -> dict[str, Any]:
        given = {
            "datetime": "2024-07-10T10:06:29.123Z",
            "updated": "2024-07-11T00:00:00.000Z",
            "platform": "sentinel-2b",
            "grid:code": "MGRS-33TWN",
            "proj:code": "EPSG:32633",
            "s2:datatake_id": "GS2B_20240710T100559_038371_N05.10",
            "s2:processing_baseline": "05.10",
            "s2:sequence": "0",
            "eo:cloud_cover": 12.5,
            "earthsearch:boa_offset_applied": True,
            **properties,
        }
        asset = {
            "href": "http://127.0.0.1:1/band.tif",
            "proj:shape": [10980, 10980],
            "proj:transform": [10, 0, 499980, 0, -10, 5100000],
            "raster:bands": [{"nodata": 0, "offset": -0.1}],
        }
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": item_id,
            "collection": "sentinel-2-l2a",
            "geometry": box(14.6, 45.0, 16.1, 46.0),
            "bbox": [14.6, 45.0, 16.1, 46.0],
            "properties": {key: value for key, value in given.items() if value is not ...},
            "assets": dict.fromkeys((*ASSETS, "thumbnail"), asset),
            "links": [],
        }

    return make


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with a deployment in `tmp_path`; sections by keyword."""

    def make(**sections: dict[str, Any]) -> Settings:
        return assemble({"defaults": {"deployed": DEPLOYED}, "test": sections})

    return make


@pytest.fixture
def plan_of(settings_of, box, tmp_path: Path) -> Callable[..., Plan]:
    """A plan whose run folder is a plain one; fields by keyword, settings sections as `sections`."""

    def make(sections: dict[str, Any] | None = None, **fields: Any) -> Plan:
        settings = settings_of(**(sections or {}))
        given = {
            "run": RunRef(dag_id="claylake__town", run_id="scheduled__2024-08-11T00:00:00+00:00"),
            "aoi_name": "town",
            "aoi_geometry": box(15.0, 45.0, 15.1, 45.1),
            "months": ("2024-07",),
            "folder": str(tmp_path / "run"),
            "work": "full",
            "cells": 16,
            "cells_digest": "c" * 16,
            "selection_digest": "5" * 16,
            "missing_vectors": 0,
            "found": Found(items=3, too_cloudy=1, kept=2),
            "estimate": Estimate(
                scenes=2,
                cells=16,
                candidates=32,
                chips=20,
                read_gb=0.01,
                store_gb=0.01,
                gpu_hours=0.4,
                cluster_hours=0.5,
                usd=0.6,
                instances={"m7i.xlarge": 1, "g6.2xlarge": 1},
            ),
            "model_version": "demo-random+0123456789ab",
            "settings": settings,
        }
        return Plan(**{**given, **fields})

    return make


@pytest.fixture
def now() -> datetime:
    return datetime(2024, 8, 11, 12, 0, tzinfo=UTC)


@pytest.fixture
def request_of(box):
    aoi = Aoi(name="town", geometry=box(15.0, 45.0, 15.05, 45.05))
    return lambda **overrides: Request(aoi=aoi, months=JULY, overrides=overrides)


@pytest.fixture
def lake(tmp_path, monkeypatch):
    catalog = SqlCatalog("lake", uri="sqlite:///:memory:", warehouse=f"file://{tmp_path}/warehouse")
    catalog.create_namespace("claylake")
    monkeypatch.setattr(published, "catalog", lambda _deployed: catalog)
    yield catalog
    catalog.destroy_tables()
    catalog.engine.dispose()


@pytest.fixture
def here(settings_of, stac, tmp_path):
    """Settings whose lake and artefacts are plain folders and whose catalogue is the local one."""
    (tmp_path / "artifacts/model/clay-v1.5").mkdir(parents=True)
    (tmp_path / "artifacts/model/clay-v1.5/model.json").write_text(json.dumps(CARD))

    def make(**sections):
        settings = settings_of(
            **{"catalogue": {"url": stac.url, "backoff_s": 0, "retries": 1, "timeout_s": 60}, **sections}
        )
        places = {"lake": str(tmp_path / "lake"), "artifacts": str(tmp_path / "artifacts")}
        return settings.model_copy(update={"deployed": settings.where.model_copy(update=places)})

    return make
