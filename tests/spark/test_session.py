"""What a job's session is told, without starting one."""

from __future__ import annotations

from spark.session import configuration


def test_sedonas_extension_comes_first_and_only_where_it_is_asked_for():
    names = [
        name.rpartition(".")[2] for name in configuration("s3://x", sedona=True)["spark.sql.extensions"].split(",")
    ]
    assert names == ["SedonaSqlExtensions", "IcebergSparkSessionExtensions"]
    plain = configuration("s3://x")
    assert not [value for value in plain.values() if "sedona" in value]
    assert plain["spark.sql.extensions"].endswith(".IcebergSparkSessionExtensions")


def test_sedona_joins_and_tells_nobody(spark):
    found = spark.sql("SELECT ST_Intersects(ST_Point(1D, 2D), ST_GeomFromText('POINT (1 2)')) AS met").collect()
    assert [row["met"] for row in found] == [True]
    assert spark.sparkContext._jvm.java.lang.System.getProperty("DO_NOT_TRACK") == "true"
