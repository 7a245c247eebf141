"""An archive is used where it fits, and only there."""

import json
from pathlib import Path

import pytest

from infra.local.class_archive import archive
from infra.local.steps.command import localise

JAVA = """#!/bin/sh
echo 'openjdk version "17.0.{release}"' >&2
"""


@pytest.fixture
def java_home(tmp_path):
    return a_java(tmp_path, 1)


@pytest.fixture
def spark(tmp_path):
    jars = tmp_path / "spark/jars"
    jars.mkdir(parents=True)
    (jars / "spark-core.jar").write_bytes(b"core")
    return jars.parent


@pytest.fixture
def jars(tmp_path):
    files = [tmp_path / "sent/iceberg.jar", tmp_path / "sent/sedona.jar"]
    files[0].parent.mkdir()
    for file in files:
        file.write_bytes(file.name.encode())
    return files


@pytest.fixture
def made(tmp_path, java_home, spark, jars):
    """The folder of an archive, as `rehearse` leaves it."""
    folder = archive.folder_of(tmp_path, java_home, spark)
    folder.mkdir(parents=True)
    (folder / archive.ARCHIVE).write_bytes(b"classes" * 1000)
    card = {
        "archives": {archive.ARCHIVE: archive.digest_of(folder / archive.ARCHIVE)},
        "class_path": ["spark-core.jar", *(jar.name for jar in jars)],
        "jars": {jar.name: archive.digest_of(jar) for jar in jars},
    }
    (folder / archive.CARD).write_text(json.dumps(card))
    return folder


def a_java(folder, release):
    java = folder / f"jdk{release}/bin/java"
    java.parent.mkdir(parents=True)
    java.write_text(JAVA.format(release=release))
    java.chmod(0o755)
    return java.parent.parent


def submit(jars, *options):
    named = ",".join(map(str, jars))
    return localise(
        "command-runner.jar",
        ["spark-submit", *options, "--jars", named, "job.py", "--plan", "p"],
        spark_submit=Path("/bin/spark-submit"),
        fetch=Path,
    ).argv


def test_a_step_with_the_same_jars_gets_the_archive(tmp_path, java_home, spark, jars, made):
    found = archive.find(tmp_path, java_home, spark)
    argv = found.joined(submit(jars))
    assert argv[:2] == ("/bin/spark-submit", "--driver-class-path")
    assert argv[2].split(":") == [str(made / "jars" / name) for name in ("spark-core.jar", "iceberg.jar", "sedona.jar")]
    assert argv[3:] == submit(jars)[1:]
    assert f"-XX:SharedArchiveFile={made / archive.ARCHIVE}" in found.options.split()
    assert "-Xshare:auto" in found.options.split()


def test_a_step_with_other_jars_or_a_class_path_of_its_own_does_without(tmp_path, java_home, spark, jars, made):
    found = archive.find(tmp_path, java_home, spark)
    assert found.joined(submit(jars[:1])) is None
    assert found.joined(submit(jars, "--driver-class-path", "x.jar")) is None
    assert found.joined(submit(jars, "--conf", "spark.driver.extraClassPath=x.jar")) is None
    assert found.joined(("/bin/spark-submit", "job.py")) is None
    jars[0].write_bytes(b"a newer one")
    assert found.joined(submit(jars)) is None


def test_a_broken_archive_is_none(tmp_path, java_home, spark, made):
    whole = (made / archive.ARCHIVE).read_bytes()
    (made / archive.ARCHIVE).write_bytes(whole[:100])
    assert archive.find(tmp_path, java_home, spark) is None
    (made / archive.ARCHIVE).unlink()
    assert archive.find(tmp_path, java_home, spark) is None


def test_one_without_a_card_is_not_finished(tmp_path, java_home, spark, made):
    (made / archive.CARD).unlink()
    assert archive.find(tmp_path, java_home, spark) is None


def test_another_jvm_or_another_spark_finds_none(tmp_path, java_home, spark, made):
    assert archive.find(tmp_path, a_java(tmp_path, 2), spark) is None
    assert archive.find(tmp_path, java_home, spark) is not None
    (spark / "jars/spark-sql.jar").write_bytes(b"sql")
    assert archive.find(tmp_path, java_home, spark) is None


@pytest.mark.parametrize("card", ["", "{", "[]", "{}", '{"archives": {"classes.jsa": 1}}', '{"archives": 3}'])
def test_a_mangled_card_is_no_archive(tmp_path, java_home, spark, made, card):
    (made / archive.CARD).write_text(card)
    assert archive.find(tmp_path, java_home, spark) is None


def test_without_java_there_is_no_archive(tmp_path, spark, made):
    assert made.exists()
    assert archive.find(tmp_path, tmp_path / "no/jdk", spark) is None


def test_a_cache_whose_path_has_a_blank_does_without(tmp_path, java_home, spark, made):
    assert archive.find(tmp_path, java_home, spark) is not None
    blank = tmp_path / "my cache"
    (blank / "classes").mkdir(parents=True)
    made.rename(blank / "classes" / made.name)
    assert archive.find(blank, java_home, spark) is None
