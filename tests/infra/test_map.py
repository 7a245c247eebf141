"""ARCHITECTURE's map names every room, and nothing that is not there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def entries(page):
    """Paths of the map's lines, from their indentation; a line may name several, and leave out ``.py``."""
    block = page.partition("## The map of the house")[2].split("```")[1]
    folders, found = [], []
    for line in filter(str.strip, block.splitlines()):
        names = line.strip().partition("  ")[0]
        depth = (len(line) - len(line.lstrip())) // 2
        paths = ["/".join([*folders[:depth], name.strip().rstrip("/")]) for name in names.split(",")]
        folders[depth:] = [names.strip().rstrip("/")]
        found += paths
    return found


def matches(path):
    return sorted(ROOT.glob(path)) + sorted(ROOT.glob(f"{path}.py"))


PAGE = (ROOT / "ARCHITECTURE.md").read_text()
MAP = entries(PAGE)


@pytest.mark.parametrize("path", MAP)
def test_what_the_map_names_is_there(path):
    assert matches(path), f"{path} is in the map, and not in the tree"


def test_every_room_is_in_the_map():
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rooms = {str(Path(file).parent) for file in tracked.split() if not file.startswith("tests/")}
    assert sorted(rooms - set(MAP) - {"."}) == []


def test_the_map_is_read_as_it_is_written():
    page = (
        "## The map of the house\n\n```\ndags/   x\n  a.py    y\n  claylake/  z\n    plan, month  w\nspark/  v\n```\n"
    )
    assert entries(page) == ["dags", "dags/a.py", "dags/claylake", "dags/claylake/plan", "dags/claylake/month", "spark"]
