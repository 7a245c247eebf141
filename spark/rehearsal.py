"""Queries of the kinds that the steps run, on tables of a few rows: a class archive is made of what they load.

``spark-submit rehearsal.py s3://<bucket>``, against the local stand-in. Nothing of it is kept, and nothing depends on
what it covers: a class that is not in the archive is loaded from its jar, as all would be without one.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import CATALOG, OBSERVATIONS
from spark.lake import branches, tables
from spark.lake.columns import Columns
from spark.lake.refs import Refs
from spark.session import session, with_sedona

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd
    import pyarrow as pa
    from pyspark.sql import SparkSession

DATABASE = "rehearsal"
TABLE = f"{CATALOG}.{DATABASE}.{OBSERVATIONS}"
_QUOTED = sql.string(TABLE)
_LONG_AGO = sql.timestamp(datetime(2020, 1, 1, tzinfo=UTC))
_OPEN = tables.TABLES[OBSERVATIONS].columns.without("cell_id", "pass", "datetime", "geohash", "outcome")
_IDS = Columns({"id": "string"})


def main(argv: Sequence[str]) -> None:
    """Everything, in the order of a run."""
    spark = session("rehearsal", f"{argv[0]}/rehearsal", sedona=True)
    tables.create_all(spark, DATABASE)
    join_and_map(spark)
    write(spark)
    audit(spark)
    maintain(spark)
    spark.stop()


def join_and_map(spark: SparkSession) -> None:
    """As extraction does: footprints joined, Python in between, a choice by groups."""
    from pyspark.sql import functions as f

    with_sedona(spark)
    spark.conf.set("sedona.join.optimizationmode", "all")
    places = spark.createDataFrame([("a", 1, 2.0), ("b", 1, 3.0)], "id string, zone int, x double")
    places.selectExpr("id", "zone", "ST_GeomFromWKB(ST_AsBinary(ST_Point(x, x))) AS place").createOrReplaceTempView("p")
    joined = spark.sql(
        "SELECT /*+ BROADCAST(s) */ s.id, p.id AS other FROM p JOIN p s ON ST_Intersects(p.place, s.place) "
        "AND p.zone = s.zone"
    )
    grouped = joined.groupBy("id").agg(f.collect_list("other").alias("others")).repartition(2)
    same = grouped.select("id").mapInArrow(_same, _IDS.spark).persist()
    left = same.groupBy("id")
    left.cogroup(same.groupBy("id")).applyInPandas(_first, _IDS.spark).groupBy("id").count().collect()
    same.unpersist()


def write(spark: SparkSession) -> None:
    """As both writing steps do: a branch, the MERGE that inserts, the one that updates, and main moved on."""
    nulls = ", ".join(f"CAST(NULL AS {kind}) AS {sql.name(name)}" for name, kind in _OPEN.kinds.items())
    known = "'c' AS cell_id, 'p' AS `pass`, now() AS datetime, 'u0' AS geohash, 'chip' AS outcome"
    spark.sql(f"SELECT {known}, {nulls}").createOrReplaceTempView("rows")
    spark.sql(f"ALTER TABLE {TABLE} CREATE BRANCH r")
    merge = f"MERGE INTO {TABLE}.branch_r t USING rows s ON t.cell_id = s.cell_id AND t.datetime >= {_LONG_AGO} "
    for matched in ("", "WHEN MATCHED AND t.outcome <> s.outcome THEN UPDATE SET * "):
        spark.sql(f"{merge}{matched}WHEN NOT MATCHED THEN INSERT *")
    branches.fast_forward(spark, TABLE, Refs.read(spark, TABLE).heads["r"])
    spark.sql(f"ALTER TABLE {TABLE} DROP BRANCH r")


def audit(spark: SparkSession) -> None:
    """As auditing and drawing do: counts, joins that keep and that drop, a window, rows as pandas and as Arrow."""
    spark.sql(f"SELECT * FROM {TABLE}").persist().createOrReplaceTempView("observed")
    spark.sql(
        "SELECT count(DISTINCT cell_id) FROM observed LEFT ANTI JOIN "
        "(SELECT cell_id FROM observed WHERE outcome RLIKE '^x') "
        "USING (cell_id) UNION ALL SELECT count(*) FROM (SELECT 1 FROM observed GROUP BY `pass` HAVING count(*) > 1)"
    ).collect()
    ranked = "SELECT cell_id, row_number() OVER (PARTITION BY cell_id ORDER BY datetime) AS rank FROM observed"
    spark.sql(ranked).where("rank = 1").toPandas()
    spark.sql("SELECT cell_id AS id FROM observed ORDER BY xxhash64(cell_id) LIMIT 4").mapInArrow(
        _same, _IDS.spark
    ).collect()


def maintain(spark: SparkSession) -> None:
    """As the step maintain does."""
    system = f"CALL {CATALOG}.system"
    spark.sql(
        f"{system}.rewrite_data_files(table => {_QUOTED}, strategy => 'sort', sort_order => 'cell_id ASC NULLS LAST', "
        "options => map('rewrite-all', 'true'))"
    ).collect()
    spark.sql(f"{system}.expire_snapshots(table => {_QUOTED}, older_than => {_LONG_AGO})").collect()
    spark.sql(
        f"{system}.remove_orphan_files(table => {_QUOTED}, older_than => {_LONG_AGO}, prefix_listing => true)"
    ).collect()


def _same(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


def _first(rows: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    return rows.head(1)


if __name__ == "__main__":
    main(sys.argv[1:])
