"""The five Iceberg tables, as SQL. Columns and partitions are the project's contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CATALOG, CHANGES, CHIPS, EMBEDDINGS, OBSERVATIONS, SCENES
from spark.lake import layout
from spark.lake.columns import Columns, Kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LINEAGE = ("run_id", "created_at")
"""Columns that say who wrote a row, not what it says: a difference in them alone is no change."""
SECOND_SCENE = layout.SECOND_SCENE
FRACTIONS = ("clear_frac", "cloud_frac", "shadow_frac", "snow_frac", "water_frac", "nodata_frac")
PROCESSING_VERSION = "3"
"""Of observations. Raised when the same files would give other chips or fractions.

2: a scene that meets the thresholds comes before one that is rejected but has less nodata, so there are chips where
version 1 gave none; of several rejected scenes of a pass, another may give the fractions.
3: two halves of one tile-date complete a cell on their seam.
"""
_FRACTIONS: dict[str, Kind] = dict.fromkeys(FRACTIONS, "float")
_BBOX: dict[str, Kind] = dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), "double")
MANIFEST_SIZE = "commit.manifest.target-size-bytes"
MANIFEST_BYTES = 512 * 1024
"""Of a manifest, about 2,600 data files. A query reads whole manifests: of a place's rows one or two, however many
there are."""
_COMMON_PROPERTIES = {
    MANIFEST_SIZE: str(MANIFEST_BYTES),
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.distribution-mode": "hash",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "50",
    "history.expire.max-snapshot-age-ms": str(7 * 24 * 3600 * 1000),
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: its columns in order, key, partitioning, write order and properties.

    `geohash_prefix` is the width of the partition's truncate transform (None: not by geohash). `blobs` are columns that
    are compressed already.
    """

    name: str
    columns: Columns
    key: tuple[str, ...]
    partitioned_by: str
    ordered_by: str
    properties: dict[str, str]
    geohash_prefix: int | None
    blobs: tuple[str, ...] = ()

    def ddl(self, database: str) -> str:
        """CREATE TABLE IF NOT EXISTS, complete."""
        properties = ",\n  ".join(
            f"{sql.string(key)}={sql.string(value)}"
            for key, value in sorted((_COMMON_PROPERTIES | self.properties).items())
        )
        return (
            f"CREATE TABLE IF NOT EXISTS {CATALOG}.{database}.{self.name} ({self.columns.ddl}) USING iceberg\n"
            f"PARTITIONED BY ({self.partitioned_by})\nTBLPROPERTIES (\n  {properties}\n)"
        )


def _metrics_none(*columns: str) -> dict[str, str]:
    return {f"write.metadata.metrics.column.{column}": "none" for column in columns}


TABLES = {
    table.name: table
    for table in (
        Table(
            name=CHIPS,
            columns=Columns(
                {
                    "id": "string",
                    "datetime": "timestamp",
                    "scene_id": "string",
                    SECOND_SCENE: "string",
                    "geohash": "string",
                    "scl_mean": "float",
                    "clay_tensor": "binary",
                    "geotiff": "binary",
                    "geometry": "binary",
                    "cell_id": "string",
                    "epsg": "int",
                    "col": "int",
                    "row": "int",
                    **_BBOX,
                    "pass": "string",
                    "collection": "string",
                    "baseline": "string",
                    "radiometry": "string",
                    **_FRACTIONS,
                    "content_digest": "string",
                    "run_id": "string",
                    "created_at": "timestamp",
                }
            ),
            key=("id",),
            partitioned_by="truncate(4, geohash), months(datetime)",
            ordered_by="geohash, id",
            properties={
                "write.target-file-size-bytes": str(256 * 1024 * 1024),
                "write.parquet.page-row-limit": "4",
                "write.parquet.bloom-filter-enabled.column.id": "true",
                **_metrics_none("clay_tensor", "geotiff", "geometry"),
            },
            geohash_prefix=4,
            blobs=("clay_tensor", "geotiff"),
        ),
        Table(
            name=EMBEDDINGS,
            columns=Columns(
                {
                    "id": "string",
                    "scene_id": "string",
                    "datetime": "timestamp",
                    "geohash": "string",
                    "geometry": "binary",
                    "global_embedding": "array<float>",
                    "model_version": "string",
                    "created_at": "timestamp",
                    "cell_id": "string",
                    **_BBOX,
                    "clear_frac": "float",
                    "convention": "string",
                    "precision": "string",
                    "content_digest": "string",
                    "run_id": "string",
                }
            ),
            key=("id", "content_digest", "model_version", "convention"),
            partitioned_by="truncate(3, geohash), months(datetime)",
            ordered_by="geohash, id",
            properties={
                "write.target-file-size-bytes": str(128 * 1024 * 1024),
                **_metrics_none("global_embedding", "global_embedding.element", "geometry"),
            },
            geohash_prefix=3,
        ),
        Table(
            name=OBSERVATIONS,
            columns=Columns(
                {
                    "cell_id": "string",
                    "pass": "string",
                    "datetime": "timestamp",
                    "geohash": "string",
                    "outcome": "string",
                    "scene_id": "string",
                    SECOND_SCENE: "string",
                    "scenes_considered": "array<string>",
                    **_FRACTIONS,
                    "scl_mean": "float",
                    "cells_digest": "string",
                    "selection_digest": "string",
                    "processing_version": "string",
                    "detail": "string",
                    "run_id": "string",
                    "created_at": "timestamp",
                }
            ),
            key=("cell_id", "pass"),
            partitioned_by="truncate(3, geohash), months(datetime)",
            ordered_by="geohash, cell_id, pass",
            properties={},
            geohash_prefix=3,
        ),
        Table(
            name=CHANGES,
            columns=Columns(
                {
                    "cell_id": "string",
                    "month": "string",
                    "baseline_month": "string",
                    "baseline_kind": "string",
                    "id": "string",
                    "baseline_id": "string",
                    "datetime": "timestamp",
                    "geohash": "string",
                    "geometry": "binary",
                    **_BBOX,
                    "distance": "float",
                    "score": "float",
                    "history_months": "int",
                    "clear_frac": "float",
                    "baseline_clear_frac": "float",
                    "model_version": "string",
                    "convention": "string",
                    "run_id": "string",
                    "created_at": "timestamp",
                }
            ),
            key=("cell_id", "month", "baseline_month", "model_version", "convention"),
            partitioned_by="truncate(3, geohash), months(datetime)",
            ordered_by="geohash, cell_id, month",
            properties=_metrics_none("geometry"),
            geohash_prefix=3,
        ),
        Table(
            name=SCENES,
            columns=Columns(
                {
                    "run_id": "string",
                    "scene_id": "string",
                    "datetime": "timestamp",
                    "updated": "string",
                    "pass": "string",
                    "collection": "string",
                    "baseline": "string",
                    "radiometry": "string",
                    "evidence": "string",
                    "candidates": "int",
                    "chips": "int",
                    "rejections": "map<string,int>",
                    "failures": "map<string,int>",
                    "bytes_read": "bigint",
                    "requests": "bigint",
                    "seconds": "double",
                    "cells_digest": "string",
                    "selection_digest": "string",
                    "status": "string",
                    "created_at": "timestamp",
                }
            ),
            key=("run_id", "scene_id", "selection_digest", "cells_digest", "created_at"),
            partitioned_by="months(datetime)",
            ordered_by="datetime, scene_id",
            properties={},
            geohash_prefix=None,
        ),
    )
}


def create_all(spark: SparkSession, database: str) -> None:
    """Create the database and the tables that are not there yet; of those that are, older layouts are changed."""
    spark.sql(f"CREATE DATABASE IF NOT EXISTS {CATALOG}.{database}")
    for table in TABLES.values():
        name = f"{CATALOG}.{database}.{table.name}"
        if not spark.catalog.tableExists(name):
            spark.sql(table.ddl(database))
            spark.sql(f"ALTER TABLE {name} WRITE ORDERED BY {table.ordered_by}")
            continue
        if table.name in layout.ONCE_BY_YEARS:
            layout.to_months(spark, name)
        if table.name in layout.ONCE_OF_ONE_SCENE:
            layout.with_second_scene(spark, name)
