"""Synthetic plans and rows whose every value follows from cell and pass."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import blosc2
import numpy as np
import pygeohash
import shapely
import xxhash

from claylake import store
from claylake.area.cells import write_parquet
from claylake.configuration.settings import Settings
from claylake.month import Month
from claylake.plan import CELLS, Estimate, Found, Plan, RunRef, run_folder
from spark.chips import tensor as codec
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

EPSG = 32629
COL, ROW = 156, 1342
CELLS_3X3 = tuple(f"{EPSG}_{COL + x}_{ROW + y}" for y in range(3) for x in range(3))
PASS_A = "S2A_20240705T112111"
PASS_B = "S2B_20240710T112109"
PASS_AUGUST = "S2A_20240804T112111"
CREATED = datetime(2024, 9, 1, tzinfo=UTC)


def cells_table(cell_ids: Sequence[str]) -> pa.Table:
    """cells.parquet's table for these ids."""
    import pyarrow as pa
    from pyproj import Transformer

    back = Transformer.from_crs(EPSG, 4326, always_xy=True)
    places = [tuple(int(part) for part in cell_id.split("_")) for cell_id in sorted(cell_ids)]
    rows = []
    for epsg, col, row in places:
        lon, lat = back.transform((col + 0.5) * 2560, (row + 0.5) * 2560)
        half = 0.012
        box = shapely.box(lon - half, lat - half, lon + half, lat + half)
        rows.append(
            {
                "cell_id": f"{epsg}_{col}_{row}",
                "epsg": epsg,
                "col": col,
                "row": row,
                "lon": lon,
                "lat": lat,
                "geohash": pygeohash.encode(lat, lon, precision=7),
                "xmin": lon - half,
                "ymin": lat - half,
                "xmax": lon + half,
                "ymax": lat + half,
                "geometry": shapely.to_wkb(box),
            }
        )
    ints = {"epsg": pa.int32(), "col": pa.int32(), "row": pa.int32()}
    schema = pa.schema([(name, ints.get(name, pa.infer_type([value]))) for name, value in rows[0].items()])
    return pa.Table.from_pylist(rows, schema=schema)


@dataclass(frozen=True, kw_only=True)
class PlanMaker:
    """Makes plans of one database."""

    lake: str
    database: str

    def __call__(
        self,
        name: str = "demo",
        *,
        cells: Sequence[str] = CELLS_3X3,
        months: tuple[str, ...] = ("2024-07",),
        work: str = "full",
        run_id: str = "manual__1",
        model_version: str = "demo-random+0123456789ab",
        **sections: dict[str, Any],
    ) -> Plan:
        deployed = {
            "region": "us-west-2",
            "lake": self.lake,
            "database": self.database,
            "artifacts": f"{self.lake}/artifacts",
            "log_uri": f"{self.lake}/logs",
            "service_role": "s",
            "instance_profile": "i",
            "subnet_ids": ["subnet-local"],
        }
        settings = Settings.model_validate({"deployed": deployed, **sections})
        table = cells_table(cells)
        plan = Plan(
            run=RunRef(dag_id=f"claylake__{name}", run_id=run_id),
            aoi_name=name,
            aoi_geometry={"type": "Polygon", "coordinates": []},
            months=months,
            folder=run_folder(self.lake, f"{self.database}__{name}", Month.parse(months[0]), run_id),
            work=work,
            cells=table.num_rows,
            cells_digest=hashlib.sha256("".join(sorted(cells)).encode()).hexdigest()[:16],
            selection_digest="00112233aabbccdd",
            missing_vectors=0,
            found=Found(),
            estimate=Estimate(
                scenes=1,
                cells=table.num_rows,
                candidates=table.num_rows,
                chips=table.num_rows,
                read_gb=0,
                store_gb=0,
                gpu_hours=0,
                cluster_hours=0,
                usd=0,
                instances={},
            ),
            model_version=model_version,
            settings=settings,
        )
        with store.writing(plan.uri(CELLS)) as sink:
            write_parquet(table, sink)
        plan.save()
        return plan


def moment(pass_id: str) -> datetime:
    """Acquisition: a little after the datatake's start."""
    start = datetime.strptime(pass_id.partition("_")[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return start + timedelta(seconds=417)


def tensor(cell_id: str, pass_id: str) -> np.ndarray:
    """Pixels of a chip: uint16 (10, 256, 256), distinct per chip."""
    seed = int(hashlib.sha256(f"{cell_id}{pass_id}".encode()).hexdigest()[:8], 16)
    coarse = np.random.default_rng(seed).integers(200, 4000, size=(10, 16, 16), dtype=np.uint16)
    return np.repeat(np.repeat(coarse, 16, axis=1), 16, axis=2)


def pack(pixels: np.ndarray) -> bytes:
    """A Blosc2 frame of any array: the table's own form for a chip's shape."""
    if pixels.shape == codec.SHAPE:
        return codec.encode(pixels)
    return blosc2.asarray(pixels).to_cframe()


def digest(pixels: np.ndarray) -> str:
    """Content digest."""
    return xxhash.xxh3_128_hexdigest(np.ascontiguousarray(pixels).tobytes())


def preview(pixels: np.ndarray) -> bytes:
    """A GeoTIFF of the first bands."""
    from affine import Affine
    from rasterio.io import MemoryFile

    rgb = (pixels[[2, 1, 0]] // 16).clip(0, 255).astype(np.uint8)
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=256,
            height=256,
            count=3,
            dtype="uint8",
            crs=EPSG,
            transform=Affine(10, 0, 0, 0, -10, 2560),
        ) as out:
            out.write(rgb)
        return memory.read()


def chip(cell_id: str, pass_id: str, **changes: Any) -> dict[str, Any]:
    """One row of chips."""
    cell = cells_table([cell_id]).to_pylist()[0]
    pixels = tensor(cell_id, pass_id)
    row = {
        "id": f"{cell_id}_{pass_id}",
        "datetime": moment(pass_id),
        "scene_id": f"S2_{pass_id}",
        "second_scene_id": None,
        "scl_mean": 4.5,
        "clay_tensor": pack(pixels),
        "geotiff": preview(pixels),
        "pass": pass_id,
        "collection": "sentinel-2-l2a",
        "baseline": "05.10",
        "radiometry": "as_published",
        "clear_frac": 0.9,
        "cloud_frac": 0.05,
        "shadow_frac": 0.03,
        "snow_frac": 0.0,
        "water_frac": 0.1,
        "nodata_frac": 0.0,
        "content_digest": digest(pixels),
        "run_id": "manual__1",
        "created_at": CREATED,
        **{name: cell[name] for name in ("cell_id", "geohash", "geometry", "epsg", "col", "row")},
        **{name: cell[name] for name in ("xmin", "ymin", "xmax", "ymax")},
    }
    return row | changes


def vector(chip_row: dict[str, Any], model_version: str = "demo-random+0123456789ab", **changes: Any) -> dict[str, Any]:
    """One row of embeddings for a row of chips."""
    seed = int(chip_row["content_digest"][:8], 16)
    names = ("id", "scene_id", "datetime", "geohash", "geometry", "cell_id", "clear_frac", "content_digest", "run_id")
    row = {
        "global_embedding": np.random.default_rng(seed).normal(size=1024).astype(np.float32).tolist(),
        "model_version": model_version,
        "created_at": CREATED,
        "convention": "tutorial",
        "precision": "fp32",
        **{name: chip_row[name] for name in (*names, "xmin", "ymin", "xmax", "ymax")},
    }
    return row | changes


def observation(cell_id: str, pass_id: str, outcome: str = "chip", **changes: Any) -> dict[str, Any]:
    """One row of observations."""
    cell = cells_table([cell_id]).to_pylist()[0]
    row = {
        "cell_id": cell_id,
        "pass": pass_id,
        "datetime": moment(pass_id),
        "geohash": cell["geohash"],
        "outcome": outcome,
        "scene_id": f"S2_{pass_id}",
        "second_scene_id": None,
        "scenes_considered": [f"S2_{pass_id}"],
        "clear_frac": 0.9,
        "cloud_frac": 0.05,
        "shadow_frac": 0.03,
        "snow_frac": 0.0,
        "water_frac": 0.1,
        "nodata_frac": 0.0,
        "scl_mean": 4.5,
        "cells_digest": "c",
        "selection_digest": "00112233aabbccdd",
        "processing_version": "1",
        "detail": None,
        "run_id": "manual__1",
        "created_at": CREATED,
    }
    return row | changes


def scene(pass_id: str, **changes: Any) -> dict[str, Any]:
    """One row of scenes."""
    row = {
        "run_id": "manual__1",
        "scene_id": f"S2_{pass_id}",
        "datetime": moment(pass_id),
        "updated": "2024-08-01T00:00:00Z",
        "pass": pass_id,
        "collection": "sentinel-2-l2a",
        "baseline": "05.10",
        "radiometry": "as_published",
        "evidence": "{}",
        "candidates": 9,
        "chips": 9,
        "rejections": {},
        "failures": {},
        "bytes_read": 10,
        "requests": 1,
        "seconds": 1.0,
        "cells_digest": "c",
        "selection_digest": "00112233aabbccdd",
        "status": "done",
        "created_at": CREATED,
    }
    return row | changes


def frame(spark: SparkSession, table: str, rows: Sequence[dict[str, Any]]) -> DataFrame:
    """Rows as a DataFrame with the table's columns and types."""
    return TABLES[table].columns.frame(spark, rows)
