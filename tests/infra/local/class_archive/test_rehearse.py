"""Making a class archive: the JVM takes it, others wait for it, and a failure is reported once."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.java import java_home
from infra.local.class_archive import archive, rehearse
from infra.local.options import REPOSITORY, StackOptions

JARS = REPOSITORY / ".cache/jars"


@pytest.fixture
def java():
    try:
        return Path(java_home())
    except LookupError:
        pytest.skip("no Java 17 outside the spark environment")


@pytest.mark.slow
def test_a_jvm_loads_spark_from_the_archive_that_was_made_here(java):
    if not (JARS / ".fetched").exists():
        pytest.skip("no jars in .cache/jars: run `make setup`")
    spark = archive.spark_of(StackOptions.spark_python)
    found = archive.find(rehearse.Home().cache, java, spark)
    if found is None:
        pytest.skip("no class archive: run `make setup`")
    # As a clone sees it: its own Spark follows on the class path.
    path = f"{found.driver_class_path}:{spark / 'jars'}/*"
    command = [java / "bin/java", *found.options.split(), "-Xlog:class+load", "-cp", path]
    done = subprocess.run(
        [*command, "org.apache.spark.deploy.SparkSubmit", "--version"], capture_output=True, text=True, check=True
    )
    assert "org.apache.spark.deploy.SparkSubmit source: shared objects file (top)" in done.stdout
    assert "warning" not in (done.stdout + done.stderr).lower()


def test_makers_take_turns_and_the_second_finds_what_the_first_made(java, tmp_path, monkeypatch):
    made = []

    def dump(folder, names, options, spark):
        made.append(names)
        (folder / archive.ARCHIVE).write_bytes(b"classes")
        return [archive.ARCHIVE]

    monkeypatch.setattr(rehearse, "_dump", dump)
    monkeypatch.setattr(archive, "spark_jars", lambda _: [])
    jars = pretended(tmp_path)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: rehearse.make(tmp_path, java, jars), range(3)))
    assert len(made) == 1
    assert {each.folder for each in found} == {archive.folder_of(tmp_path, java, Path("none"))}


def test_a_failure_is_told_and_not_tried_again(java, tmp_path, monkeypatch):
    def dump(folder, names, options, spark):
        raise rehearse.RehearsalError("the JVM would not")

    monkeypatch.setattr(rehearse, "_dump", dump)
    monkeypatch.setattr(archive, "spark_jars", lambda _: [])
    jars = pretended(tmp_path)
    with pytest.raises(rehearse.RehearsalError, match=r"the JVM would not\nDelete .* to try again"):
        rehearse.make(tmp_path, java, jars)
    assert rehearse.make(tmp_path, java, jars) is None


def test_old_archives_go(java, tmp_path, monkeypatch):
    monkeypatch.setattr(rehearse, "_dump", lambda folder, *_: (folder / archive.ARCHIVE).write_bytes(b"x") and [])
    monkeypatch.setattr(archive, "spark_jars", lambda _: [])
    old = [tmp_path / "classes" / str(number) for number in range(5)]
    for number, folder in enumerate(old):
        folder.mkdir(parents=True)
        archive.os.utime(folder, (number, number))
    rehearse.make(tmp_path, java, pretended(tmp_path))
    assert [folder.exists() for folder in old] == [False, False, False, True, True]


def pretended(folder):
    """Jars of the pinned names."""
    jars = folder / "pinned"
    jars.mkdir()
    for coordinates in rehearse.pins(rehearse.PINS.read_text()):
        (jars / rehearse.file_name(coordinates)).write_bytes(b"jar")
    return jars
