"""Every block of docs/recipes.md does what the page says, run as it stands on a lake in a folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from typer.testing import CliRunner

from cli import machine
from cli.app import app
from tests.cli.conftest import MONTH, ROOT
from tests.cli.test_month import rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PAGE = (ROOT / "docs/recipes.md").read_text()
NOT_RUN = {"on AWS Glue", "a lake to try things on"}
RUN = ("DuckDB", "pyiceberg, pandas and GeoPandas", "Spark with Sedona")


def blocks(page, heading):
    """Blocks of a section as (language, title, line number, text)."""
    start = f"\n{page}".index(f"\n{heading}\n")
    end = page.find("\n## ", start)
    section = page[start : end if end > 0 else None]
    for found in re.finditer(r"^```(\w+)(?: title=\"([^\"\n]*)\")?\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        yield found[1], found[2], page[:start].count("\n") + section[: found.start(3)].count("\n"), found[3]


def code(heading):
    """The section's Python that is run, on the lines that it has in the page."""
    lines = [""] * PAGE.count("\n")
    for language, title, number, text in blocks(PAGE, heading):
        if language == "python" and title is None:
            lines[number : number + text.count("\n")] = text.splitlines()
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def here(made, tmp_path_factory):
    """A folder in which the page's commands were given: the lake is below it."""
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "lake").symlink_to(made.lake)
    given = blocks(PAGE, "# Reading a lake without claylake")
    (command,) = [text for language, title, _, text in given if (language, title) == ("sh", None)]
    words, target = re.fullmatch(r"bin/claylake (.*) > (\S+)\n", command).groups()
    done = CliRunner().invoke(app, [*words.split(), "--lake", str(made.lake)])
    assert done.exit_code == 0, done.output
    (folder / target).write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def chips(made, encoder):
    return {row["id"]: row for row in rows(made.lake, encoder, "chips")}


@pytest.fixture(scope="module")
def vectors(made, encoder):
    return {row["id"]: np.array(row["global_embedding"]) for row in rows(made.lake, encoder, "embeddings")}


def run(name, here, monkeypatch):
    monkeypatch.chdir(here)
    names = {}
    exec(compile(code(f"## {name}"), ROOT / "docs/recipes.md", "exec"), names)  # noqa: S102
    return names


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def test_duckdb(here, chips, vectors, monkeypatch):
    found = run(RUN[0], here, monkeypatch)
    (month,) = found["months"].to_dict("records")
    assert (f"{month['year']}-{month['month']:02}", month["chips"]) == (MONTH, len(chips))
    assert month["clear"] == pytest.approx(np.mean([chip["clear_frac"] for chip in chips.values()]), abs=1e-6)
    envelope = shapely.box(*(found[side] for side in ("west", "south", "east", "north")))
    within = {
        name
        for name, chip in chips.items()
        if chip["clear_frac"] >= 0.9 and shapely.from_wkb(chip["geometry"]).intersects(envelope)
    }
    assert set(found["clear"]["id"]) == within
    assert 1 < len(within) < len(chips)
    one, other = found["one"], found["other"]
    assert found["alike"] == pytest.approx(cosine(vectors[one], vectors[other]), abs=1e-6)
    wanted = sorted((cosine(vectors[one], vector) for name, vector in vectors.items() if name != one), reverse=True)
    assert found["nearest"]["alike"].to_list() == pytest.approx(wanted[:5], abs=1e-6)
    assert one not in set(found["nearest"]["id"])


def test_pyiceberg_and_geopandas(here, chips, vectors, monkeypatch):
    found = run(RUN[1], here, monkeypatch)
    table = geopandas.read_parquet(here / "vectors.parquet").set_index("id")
    assert set(table.index) == set(vectors)
    assert table.crs == "EPSG:4326"
    assert all(np.array_equal(table["global_embedding"][name], vector) for name, vector in vectors.items())
    assert all(table.geometry[name] == shapely.from_wkb(chips[name]["geometry"]) for name in vectors)

    layer = pyogrio.read_dataframe(here / "vectors.gpkg", layer="vectors").set_index("id")
    assert layer.geometry.to_dict() == table.geometry.to_dict()
    assert layer["datetime"].to_dict() == table["datetime"].to_dict()
    spread = layer[["pc1", "pc2", "pc3"]].var().to_list()
    assert spread == sorted(spread, reverse=True)

    chip = found["chip"]
    assert found["pixels"].shape == (10, 256, 256)
    with (
        rasterio.open(here / "bands.tif") as bands,
        rasterio.MemoryFile(chips[chip["id"]]["geotiff"]).open() as preview,
    ):
        assert (bands.crs, bands.transform) == (preview.crs, preview.transform)
        assert np.array_equal(bands.read(), found["pixels"])
        assert bands.descriptions == found["BANDS"]
    clear = {name for name, chip in chips.items() if chip["clear_frac"] >= 0.9}
    assert {path.stem for path in (here / "chips").iterdir()} == clear != set()
    for path in (here / "chips").iterdir():
        with rasterio.open(path) as picture:
            assert (picture.count, picture.crs.to_epsg()) == (3, chips[path.stem]["epsg"])


def test_spark_with_sedona(here, chips):
    script = here / "recipe.py"
    script.write_text(code(f"## {RUN[2]}"))
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env |= {
        "JAVA_HOME": machine.java_home(),
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # as local steps have it: half the CPU time
        "CLAYLAKE_CACHE": str(machine.user_cache()),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    words = [sys.executable, "-W", "error", script]
    done = subprocess.run(words, cwd=here, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    met, inside = (
        [line.strip("|").split("|") for line in shown.splitlines() if line.startswith("|")][1:]
        for shown in re.split(r"\n(?=\+-+\+-+\+-+\+\n\|cell_id)", done.stdout)
    )
    area = shapely.from_wkt(re.search(r'area = "(.*)"', PAGE)[1])
    cells = {name: shapely.from_wkb(chip["geometry"]) for name, chip in chips.items()}
    assert [line[0].strip() for line in met] == sorted(name for name, cell in cells.items() if cell.intersects(area))
    assert 0 < len(met) < len(chips)
    point = shapely.Point(11.79, 48.40)
    holding = [chips[name] for name, cell in cells.items() if cell.contains(point)]
    assert [(line[0].strip(), int(line[1])) for line in inside] == [(holding[0]["cell_id"], len(holding))]


def test_versions_of_the_page_are_those_that_are_run():
    named = re.findall(r"([\w-]+)==([\d.]+)", PAGE)
    assert {name for name, _ in named} >= {"duckdb", "pyspark", "apache-sedona"}
    assert [(name, version(name)) for name, _ in named] == named


def test_only_what_needs_aws_or_a_new_lake_is_not_run():
    headings = re.findall(r"^##? .*$", re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    found = [block for heading in headings for block in blocks(PAGE, heading)]
    assert len(found) == PAGE.count("```") / 2
    assert {title for _, title, *_ in found} - {None} == NOT_RUN
    assert [heading for heading in headings if code(heading).strip()] == [f"## {name}" for name in RUN]
