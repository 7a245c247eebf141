"""The archive of the JVM's classes: written by a JVM that runs, used by the next one, and never trusted unseen."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cli import classes
from cli.classes import Classes
from cli.machine import java_home

WAITING = """
class Waiting {
    public static void main(String[] none) throws Exception {
        System.out.println("here");
        System.in.read();
    }
}
"""


@pytest.fixture
def found(tmp_path):
    found = Classes.of(tmp_path / "cache", Path(java_home()), [])
    if not found.possible:
        pytest.skip("this Java is a small runtime, which cannot write an archive")
    assert not found.kept
    return found


def waiting(tmp_path, *options):
    source = tmp_path / "Waiting.java"
    source.write_text(WAITING)
    command = [java_home() + "/bin/java", *options, source]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_jvm_leaves_an_archive_and_the_next_one_starts_from_it(found, tmp_path):
    with waiting(tmp_path, *found.options) as jvm:
        assert jvm.stdout.readline() == "here\n"
        assert found.keep(jvm.pid)
        jvm.communicate("go on")
    assert jvm.returncode == 0
    again = Classes.of(tmp_path / "cache", Path(java_home()), [])
    assert again.kept
    assert [path.name for path in again.path.parent.iterdir() if path.suffix not in {".jsa", ".sha256"}] == []
    with waiting(tmp_path, *again.options, "-Xlog:class+load") as jvm:
        said, _ = jvm.communicate("go on")
    assert "shared objects file (top)" in said
    assert jvm.returncode == 0


def test_one_that_is_not_whole_is_not_used(found, tmp_path):
    found.path.parent.mkdir(parents=True)
    found.path.write_bytes(b"archive")
    classes._card(found.path).write_text(classes._digest(found.path))
    assert Classes.of(tmp_path / "cache", found.java_home, []).kept
    found.path.write_bytes(b"archiv")
    again = Classes.of(tmp_path / "cache", found.java_home, [])
    assert not again.kept
    assert not any("SharedArchiveFile" in option for option in again.options)


def test_other_jars_have_another_archive(found, tmp_path):
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"1")
    first = Classes.of(tmp_path / "cache", found.java_home, [jar])
    jar.write_bytes(b"12")
    assert len({found.path, first.path, Classes.of(tmp_path / "cache", found.java_home, [jar]).path}) == 3


def test_a_jvm_that_has_ended_leaves_none(found):
    with subprocess.Popen([found.java_home / "bin/java", "-version"], stderr=subprocess.DEVNULL) as ended:
        ended.wait()
    assert not found.keep(ended.pid)
    assert not found.path.exists()
    assert list(found.path.parent.iterdir()) == []


def test_a_small_runtime_does_without(found, tmp_path):
    small = replace(found, java_home=tmp_path)
    assert (small.possible, small.options, small.keep(1)) == (False, (), False)


def test_the_last_two_are_kept(found, tmp_path):
    folder = found.path.parent
    folder.mkdir(parents=True)
    for age, name in enumerate("abc"):
        (folder / f"{name}.jsa").touch()
        (folder / f"{name}.sha256").touch()
        os.utime(folder / f"{name}.jsa", (1000 - age, 1000 - age))
    found._forget_old()
    assert sorted(path.name for path in folder.iterdir()) == ["a.jsa", "a.sha256", "b.jsa", "b.sha256"]
