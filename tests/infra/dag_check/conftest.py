"""Folders of AOI files, and the whole check in this process (Airflow has one of its own)."""

from __future__ import annotations

import json

import pytest

from claylake.configuration.layers import CommonLayers
from infra.dag_check.__main__ import main
from infra.dag_check.areas import read_areas

WEST, SOUTH, NORTH = 11.6, 48.3, 48.4


def square(east=11.7, west=WEST, south=SOUTH, north=NORTH, **settings):
    """An AOI file's text: a box in Bavaria, unless other degrees are given."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return json.dumps({"type": "Feature", "properties": settings, "geometry": geometry})


@pytest.fixture
def write(tmp_path):
    """Writes files, name to text, in a folder of that name."""

    def make(folder, **files):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / folder / f"{name}.geojson").write_text(text)
        return tmp_path / folder

    return make


@pytest.fixture
def settings(tmp_path):
    """Writes a settings file."""

    def make(text=""):
        path = tmp_path / "settings.yaml"
        path.write_text(text)
        return path

    return make


@pytest.fixture
def areas(write):
    """Reads AOI files, name to text, with settings that all share."""

    def make(folder, written=None, **files):
        return read_areas(write(folder, **files), CommonLayers(written=written or {}, deployed={}))

    return make


@pytest.fixture
def check(capsys, settings):
    """The exit code, the lines by name as (state, text), and the whole page."""

    def run(folder, text="", before=""):
        code = main(["--aois", str(folder), "--settings", str(settings(text)), "--before", str(before)])
        said, error = capsys.readouterr()
        rows = [line.split(maxsplit=2) for line in said.splitlines() if line.startswith(("ok ", "wrong "))]
        return code, {name: (state, words) for state, name, words in rows}, said + error

    return run
