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
