"""Spark side of candidates: footprints that meet cells of the same UTM zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.area.new_cells import NEW, new_among
from claylake.catalogue.footprint import footprint
from claylake.catalogue.halves import half_of, pairs_of
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
_FOOTPRINTS = Columns(
    {
        "scene_id": "string",
        "scene_epsg": "int",
        "only_new_cells": "boolean",
        "settled": "boolean",
        "half": "string",
        "completes": "boolean",
        "footprint": "binary",
    }
)


def join_candidates(spark: SparkSession, cells: pa.Table, scenes: Sequence[Scene]) -> DataFrame:
    """One row per candidate, a (cell, scene) pair: scene_id, cell_id, col, row.

    A scene supplies only cells of its own zone's grid: nothing is warped. With `only_new_cells` it
    supplies only new ones, and a settled one none; both also those of another half of their tile-date. The
    footprints are few and go to every executor as an index; cells stream past it.

    `claylake.catalogue.candidates` counts the same (cell, pass) when a run is planned.

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
        *_FOOTPRINTS.without("footprint").names, "ST_GeomFromWKB(footprint) AS footprint"
    )
    squares.createOrReplaceTempView("claylake_cells")
    prints.createOrReplaceTempView("claylake_footprints")
    of_its_own = "NOT s.settled AND (c.new OR NOT s.only_new_cells)"
    found = spark.sql(
        f"SELECT /*+ BROADCAST(s) */ s.scene_id, c.cell_id, c.col, c.row, s.half, {of_its_own} AS of_its_own "
        "FROM claylake_cells c JOIN claylake_footprints s "
        f"ON ST_Intersects(c.square, s.footprint) AND c.epsg = s.scene_epsg AND ({of_its_own} OR s.completes)"
    )
    if _completing(scenes):
        found = _with_another_half(found)
    return found.select("scene_id", "cell_id", "col", "row")


def _completing(scenes: Sequence[Scene]) -> set[str]:
    """Ids of the scenes that supply some cells only, and are half of a tile-date with another one of these."""
    ids = {scene.id for pair in pairs_of(scenes) for scene in pair}
    return {scene.id for scene in scenes if scene.id in ids and (scene.settled or scene.only_new_cells)}


def _with_another_half(found: DataFrame) -> DataFrame:
    """The pairs that a scene has of its own, and those of cells that another half of its tile-date has of its own."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    awaited = f.max("of_its_own").over(Window.partitionBy("cell_id", "half"))
    return found.withColumn("awaited", awaited).where("of_its_own OR awaited")


def _footprints(spark: SparkSession, scenes: Sequence[Scene]) -> DataFrame:
    import shapely

    rows, completing = [], _completing(scenes)
    for scene in scenes:
        try:
            outline = bytearray(shapely.to_wkb(footprint(scene.footprint)))
            limits = (scene.only_new_cells, scene.settled, half_of(scene), scene.id in completing)
            rows.append((scene.id, scene.epsg, *limits, outline))
        except FootprintError as error:
            raise FootprintError(f"scene {scene.id}: {error}") from error
    return spark.createDataFrame(rows, _FOOTPRINTS.spark)
