"""Spark side of candidates: footprints that meet cells of the same UTM zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.area.new_cells import NEW, new_among
from claylake.catalogue.footprint import footprint
from claylake.errors import FootprintError
from claylake.vocabulary import CHIPS
from spark.lake.columns import Columns
from spark.lake.tables import TABLES
from spark.session import with_sedona

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from claylake.catalogue.scene import Scene

_CELLS = TABLES[CHIPS].columns.only("cell_id", "epsg", "col", "row", "geometry") + Columns({NEW: "boolean"})
_FOOTPRINTS = Columns({"scene_id": "string", "scene_epsg": "int", "only_new_cells": "boolean", "footprint": "binary"})


def join_candidates(spark: SparkSession, cells: pa.Table, scenes: Sequence[Scene]) -> DataFrame:
    """One row per candidate, a (cell, scene) pair: scene_id, cell_id, col, row.

    A scene supplies only cells of its own zone's grid: nothing is warped. With `only_new_cells` it
    supplies only new ones. The footprints are few and go to every executor as an index; cells stream past it.

    `claylake.catalogue.candidates` counts the same pairs when a run is planned.

    Args:
        spark: session.
        cells: the run's, with columns cell_id, epsg, col, row and geometry (WKB), and `NEW` if not all are new.
        scenes: that may supply these cells.

    Raises:
        FootprintError: a scene's footprint is no polygon; the message names the scene.
    """
    import pyarrow as pa

    with_sedona(spark)
    # By default Sedona leaves joins that also have an equality to Spark.
    spark.conf.set("sedona.join.optimizationmode", "all")
    if NEW not in cells.column_names:
        cells = cells.append_column(NEW, pa.array(new_among(cells)))
    squares = _CELLS.frame_of(spark, cells).selectExpr(
        "cell_id", "epsg", "col", "row", NEW, "ST_GeomFromWKB(geometry) AS square"
    )
    prints = _footprints(spark, scenes).selectExpr(
        "scene_id", "scene_epsg", "only_new_cells", "ST_GeomFromWKB(footprint) AS footprint"
    )
    squares.createOrReplaceTempView("claylake_cells")
    prints.createOrReplaceTempView("claylake_footprints")
    return spark.sql(
        "SELECT /*+ BROADCAST(s) */ s.scene_id, c.cell_id, c.col, c.row "
        "FROM claylake_cells c JOIN claylake_footprints s "
        "ON ST_Intersects(c.square, s.footprint) AND c.epsg = s.scene_epsg AND (c.new OR NOT s.only_new_cells)"
    )


def _footprints(spark: SparkSession, scenes: Sequence[Scene]) -> DataFrame:
    import shapely

    rows = []
    for scene in scenes:
        try:
            rows.append(
                (scene.id, scene.epsg, scene.only_new_cells, bytearray(shapely.to_wkb(footprint(scene.footprint))))
            )
        except FootprintError as error:
            raise FootprintError(f"scene {scene.id}: {error}") from error
    return spark.createDataFrame(rows, _FOOTPRINTS.spark)
