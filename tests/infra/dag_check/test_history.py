"""What `make dag-check` says a change does to months that are done."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from infra.dag_check.areas import read_areas
from infra.dag_check.comparison import common_of, earlier_areas
from infra.dag_check.history import effects
from tests.infra.dag_check.conftest import square


@pytest.fixture
def change(areas):
    """What a change of the files and of the shared settings does, by AOI; each has three months due."""

    def make(before, now, was=None, written=None):
        new = areas("now", written, **now)
        return effects(areas("before", was, **before), new, dict.fromkeys(new.usable, 3))

    return make


def test_nothing(change):
    assert change({"farm": square()}, {"farm": square()}) == {"farm": "same cells"}


def test_an_outline_that_moves_within_its_cells(change):
    assert change({"farm": square(11.7)}, {"farm": square(11.7001)}) == {"farm": "same cells"}


def test_cells_are_added_and_removed(change, areas):
    small, large = (
        areas("a", farm=square(11.7)).usable["farm"].ids(),
        areas("b", farm=square(11.9)).usable["farm"].ids(),
    )
    more = len(large - small)
    assert small < large
    grown = change({"farm": square(11.7)}, {"farm": square(11.9)})["farm"]
    assert f"{more} cells added (3 months to be made again" in grown
    assert "removed" not in grown
    assert "read again for the new outline" in grown
    shrunk = change({"farm": square(11.9)}, {"farm": square(11.7)})["farm"]
    assert f"{more} cells removed (their rows stay in the tables)" in shrunk
    assert "added" not in shrunk


def test_another_ownership_rule_observes_new_cells_alone(change):
    border = {"west": 0.25, "south": 0.1, "east": 0.36, "north": 0.2}
    moved = change(
        {"town": square(**border, grid={"ownership": 1})}, {"town": square(**border, grid={"ownership": 2})}
    )["town"]
    assert "by ownership rule 2 instead of 1: months that are run again observe new cells alone" in moved
    assert "other settings" not in moved


def test_a_changed_selection(change):
    said = change({"farm": square()}, {"farm": square(selection={"min_clear_frac": 0.8})})["farm"]
    assert said.startswith("same cells; selection changed (selection.min_clear_frac 0.7 -> 0.8)")
    assert "the digest" in said


def test_shared_settings_count_for_every_aoi(change):
    files = {"farm": square(), "town": square(selection={"passes_per_month": 3})}
    said = change(files, files, {}, {"selection": {"passes_per_month": 2}, "encoder": {"convention": "blank"}})
    assert "selection.passes_per_month None -> 2" in said["farm"]
    assert "selection changed" not in said["town"], "its own setting wins"
    assert all("vectors changed (encoder.convention tutorial -> blank)" in text for text in said.values())


@pytest.mark.parametrize(
    ("start", "words"),
    [("2023-01", "the months before 2024-01 need a backfill"), ("2025-01", "months before stay as they are")],
)
def test_another_start(change, start, words):
    assert words in change({"farm": square()}, {"farm": square(schedule={"start_month": start})})["farm"]


def test_other_settings_count_from_the_next_run(change):
    said = change({"farm": square()}, {"farm": square(limits={"budget_usd": 50})})["farm"]
    assert (
        said == "same cells; other settings changed (limits.budget_usd 20.0 -> 50.0): they count from the next run on"
    )


def test_a_new_name(change):
    said = change({"farm": square()}, {"acre": square()})
    assert said["acre"].startswith("named farm before: a new DAG claylake__acre, paused at first")
    assert "months that it published are found done" in said["acre"]
    assert "rows of its chips and vectors stay" in said["farm"]
    changed = change({"farm": square()}, {"acre": square(selection={"max_scene_cloud": 50})})["acre"]
    assert "read again for the changed selection" in changed


def test_files_that_come_go_or_break(change):
    said = change({"old": square(), "kept": square(12.0)}, {"kept": "{", "new": square(11.9)})
    assert said["new"] == "new: a new DAG claylake__new, paused at first, with 3 months to make"
    assert "its file is gone" in said["old"]
    assert "kept" not in said, "its file is there, and has a line that says what is wrong"


@pytest.fixture
def compare(settings, tmp_path, areas):
    """The effects on the files in ``aois``, and with what they were compared."""

    def run(text="", before=""):
        scratch = Path(tempfile.mkdtemp(dir=tmp_path))
        old, compared = earlier_areas(tmp_path / "aois", settings(text), str(before), scratch)
        new = read_areas(tmp_path / "aois", common_of(settings(text), scratch / "now"))
        return old and effects(old, new, dict.fromkeys(new.usable, 3)), compared

    return run


def test_an_earlier_folder(compare, write):
    write("aois", farm=square(11.9))
    found, compared = compare(before=write("was", farm=square(), gone=square()))
    assert "cells added" in found["farm"]
    assert "its file is gone" in found["gone"]
    assert "with the present settings" in compared


@pytest.fixture
def git(tmp_path):
    def run(*arguments):
        mine = ("-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(tmp_path), *mine, *arguments], check=True, capture_output=True)

    return run


def test_what_git_has_committed(compare, write, settings, git):
    folder = write("aois", farm=square(), gone=square(11.8))
    settings("selection: {max_scene_cloud: 60}")
    git("init", "-q")
    git("add", "aois", "settings.yaml")
    git("commit", "-q", "-m", "first")
    (folder / "gone.geojson").unlink()
    found, compared = compare("selection: {max_scene_cloud: 70}")
    assert compared == "History is compared with HEAD."
    assert "same cells; selection changed (selection.max_scene_cloud 60.0 -> 70.0)" in found["farm"]
    assert "its file is gone" in found["gone"]
    write("aois", late=square(11.75))
    git("add", "aois")
    git("commit", "-q", "-m", "second")
    assert compare()[0]["late"].startswith("same cells")
    assert "new: a new DAG claylake__late" in compare(before="HEAD^1")[0]["late"]


def test_a_hooks_variables_of_git_do_not_count(compare, write, settings, git, tmp_path, monkeypatch):
    write("aois", farm=square())
    settings()
    git("init", "-q")
    git("add", "aois", "settings.yaml")
    git("commit", "-q", "-m", "first")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert compare() == ({"farm": "same cells"}, "History is compared with HEAD.")


def test_earlier_settings_that_are_wrong_are_left_out(compare, write, settings, git):
    write("aois", farm=square())
    settings("selektion: {}")
    git("init", "-q")
    git("add", "aois", "settings.yaml")
    git("commit", "-q", "-m", "first")
    found, compared = compare()
    assert found == {"farm": "same cells"}
    assert "with the present settings (settings.yaml: unknown section 'selektion'" in compared


def test_without_git_there_is_nothing_to_compare_with(compare, write, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    write("aois", farm=square())
    found, compared = compare()
    assert found is None
    assert compared.startswith("History is compared with nothing: HEAD in ")
