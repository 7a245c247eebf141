"""What a job's session is started with."""

from __future__ import annotations

from spark.session import SHUFFLE, configuration, with_sedona
from tests.spark.jobs import jobs_of


def test_icebergs_is_the_only_extension():
    """Its procedures fail where another extension's parser is outside its own."""
    extensions = configuration("s3://x")["spark.sql.extensions"]
    assert extensions == "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"


def test_a_session_without_sedona_has_none_of_it():
    assert not [value for value in configuration("s3://x").values() if "sedona" in value]


def test_sedona_joins_and_reports_to_no_server(spark):
    with_sedona(spark)
    found = spark.sql("SELECT ST_Intersects(ST_Point(1D, 2D), ST_GeomFromText('POINT (1 2)')) AS met").collect()
    assert [row["met"] for row in found] == [True]
    assert spark.sparkContext._jvm.java.lang.System.getProperty("DO_NOT_TRACK") == "true"


def test_sedonas_builder_adds_the_serializer_of_geometries(spark):
    settings = dict(spark.sparkContext.getConf().getAll())
    assert settings["spark.kryo.registrator"].endswith("SedonaKryoRegistrator")
    assert settings["spark.serializer"].endswith("KryoSerializer")
    assert spark.conf.get(SHUFFLE) == "2"


def test_sedona_is_registered_without_a_job(spark):
    assert jobs_of(spark, lambda: with_sedona(spark)) == 0
