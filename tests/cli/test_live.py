"""The live path, against a twin of Earth Search: what `doctor --live` says, paging, and the same month as from a folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio.shutil
from typer.testing import CliRunner

from claylake.catalogue.dialects import find_assets
from claylake.catalogue.scene import Scene
from claylake.catalogue.search import search_items
from claylake.catalogue.selecting import Criteria, select_scenes
from claylake.configuration.settings import Catalogue
from claylake.month import Month
from claylake.vocabulary import ASSETS, CELL_M, COLLECTION_C1, COLLECTION_L2A, COLLECTIONS
from cli.app import app
from spark.chips.make import make_chips
from spark.reading import gdal, hosts
from spark.reading.strips import CellIndex
from spark.sentinel2.radiometry import decide_radiometry
from tests.cli.conftest import claylake
from tests.cli.earth_search import twin
from tests.cli.test_month import rows
from tests.spark.extract.faults import FOREVER, Fault
from tests.spark.extract.test_faults import StandingClock

SAVED = Path(__file__).resolve().parents[3] / "shared" / "data" / "stac"
BOTH = "2024-08/2024-09"
"""Of the two months one has scenes of one collection, the other of the other."""
NOTHING_THERE = "-9.20,38.70,-9.15,38.75"


@pytest.fixture
def earth(world):
    with twin(world) as (api, files):
        yield api, files


@pytest.fixture
def doctor(earth, world, encoder, tmp_path, monkeypatch):
    """Runs `claylake doctor --live` on the twin; gives its exit code, and the trial's lines as (state, name, text)."""
    clock = StandingClock()
    monkeypatch.setattr(hosts, "clock", clock)
    monkeypatch.setattr(hosts, "_hosts", {})
    monkeypatch.setitem(gdal.OPTIONS, "GDAL_HTTP_RETRY_DELAY", "0.01")

    def run(*options):
        place = () if "--bbox" in options else ("--aoi", str(world / "aoi.geojson"))
        when = () if "--month" in options else ("--month", BOTH)
        words = (f"catalogue.url={earth[0].url}", "catalogue.backoff_s=0", *options)
        given = ("doctor", "--live", "--lake", str(tmp_path / "none"), "--encoder", encoder, *place, *when, *words)
        done = CliRunner().invoke(app, list(given))
        assert not (tmp_path / "none").exists()
        lines = [tuple(line.split(maxsplit=2)) for line in done.stdout.splitlines()]
        assert [name for _, name, _ in lines].count("lake") == 1
        return done.exit_code, lines[[name for _, name, _ in lines].index("lake") + 1 :]

    return run


@pytest.fixture
def plain(world, tmp_path):
    """The classifications without compression and longer: GDAL takes a small file whole, as no real one is."""
    for path in world.rglob("SCL.tif"):
        copy = tmp_path / "plain" / path.relative_to(world)
        copy.parent.mkdir(parents=True)
        rasterio.shutil.copy(path, copy, driver="GTiff", tiled=True, compress="NONE")
        copy.write_bytes(copy.read_bytes() + bytes(100_000))
    return tmp_path / "plain"


def states(lines):
    return [(state, name) for state, name, _ in lines]


def test_one_search_one_range_read_of_each_collection_and_how_its_radiometry_is_decided(doctor, earth):
    api, files = earth
    code, lines = doctor()
    assert (code, states(lines)) == (0, [("ok", "search"), ("ok", "read"), ("ok", "read")])
    assert len(api.searches) == 2, "a page with the items, and an empty one"
    assert "next" not in api.searches[0]
    assert f"{len(api.listed)} items of {BOTH} at {api.url}" in lines[0][2]
    c1, l2a = lines[1][2], lines[2][2]
    assert f"({COLLECTION_C1})" in c1
    assert "radiometry minus_1000 (c1 keeps the offset)" in c1
    assert f"({COLLECTION_L2A})" in l2a
    assert "radiometry as_published (l2a, flagged as removed)" in l2a
    read = {request.name for request in files.requests}
    assert len(read) == 2
    assert all(name.endswith("SCL.tif") for name in read)
    assert all(request.first is not None for request in files.requests if request.method == "GET"), "by ranges alone"
    said = [int(text.partition(" requests")[0].rpartition(" ")[2]) for text in (c1, l2a)]
    assert sum(said) == len(files.requests) <= 6


def test_a_radiometry_that_was_set_is_the_one_that_is_said(doctor):
    _, lines = doctor(f"catalogue.radiometry={{{COLLECTION_C1}: as_published}}")
    assert f"radiometry as_published (set for {COLLECTION_C1})" in lines[1][2]


def test_a_search_that_fails_is_named_and_nothing_is_read(doctor, earth):
    api, files = earth
    api.refuses = {"POST": 503}
    code, lines = doctor()
    assert (code, states(lines)) == (1, [("missing", "search")])
    assert "status 503" in lines[0][2]
    assert "tried 3 times" in lines[0][2]
    assert "check catalogue.url and the network" in lines[0][2]
    assert files.requests == []


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("whole", "the host serves no parts of files (byte ranges)"),
        (403, "HTTP 403, access is denied"),
        (404, "HTTP 404, there is no such file"),
        (503, "HTTP 503 after 2 tries"),
    ],
)
def test_files_that_cannot_be_read_are_named(doctor, earth, plain, kind, said):
    _, files = earth
    files.folder = plain
    files.faults = [Fault(kind=kind, times=FOREVER)]
    code, lines = doctor()
    assert (code, states(lines)) == (1, [("ok", "search"), ("missing", "read"), ("missing", "read")])
    assert all(said in text and "SCL.tif" in text for _, _, text in lines[1:])
    assert len(files.requests) < 30, "a person waits"


def test_a_collection_that_is_not_there_is_named(doctor, earth):
    api, _ = earth
    api.collections = (COLLECTION_L2A, "landsat-c2-l2")
    code, lines = doctor()
    assert (code, states(lines)) == (0, [("ok", "search"), ("note", "collection"), ("ok", "read")])
    assert f"has no collection {COLLECTION_C1}" in lines[1][2]
    api.collections = ("landsat-c2-l2",)
    code, lines = doctor()
    assert code == 1
    missing = [text for state, name, text in lines if (state, name) == ("missing", "collection")]
    assert [name for name in COLLECTIONS if any(f"no collection {name}:" in text for text in missing)] == [*COLLECTIONS]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--month", "2017-01"), "in 2017-01; there are some at other times: give another --month"),
        (("--bbox", NOTHING_THERE), f"in {BOTH}, nor at any other time: is the area (lon, lat) the right one?"),
    ],
)
def test_nothing_found_is_said(doctor, options, said):
    code, lines = doctor(*options)
    assert (code, states(lines)) == (1, [("missing", "search"), ("missing", "scenes")])
    assert "0 items" in lines[0][2]
    assert said in lines[1][2]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_several_pages_give_every_item_once(earth, world, method):
    api, _ = earth
    api.most = 3
    if method == "GET":
        api.refuses = {"POST": 405}
    area = json.loads((world / "aoi.geojson").read_text())["geometry"]
    months = (Month(2024, 8), Month(2024, 9))
    found = list(search_items(Catalogue(url=api.url, backoff_s=0), area, months, COLLECTIONS))
    ids = [item["id"] for item in found]
    assert sorted(ids) == sorted(item["id"] for item in api.items)
    assert api.listed == ids
    pages = api.searches if method == "POST" else api.queries
    assert len(pages) == -(-len(ids) // 3) + 1 > 3
    assert len({page.get("next") for page in pages}) == len(pages)


def test_a_plan_and_its_chips_are_those_of_the_same_scenes_in_a_folder(earth, world, encoder, tmp_path):
    api, files = earth
    api.most = 3
    plans = {}
    for name, source in (("folder", f"catalogue.url={world.as_uri()}"), ("twin", f"catalogue.url={api.url}")):
        options = ("--lake", tmp_path / name, "--aoi", world / "aoi.geojson", "--month", BOTH, "--encoder", encoder)
        done = CliRunner().invoke(app, ["plan", *map(str, options), source, "--json"])
        assert done.exit_code == 0, done.output
        counts = ("outcome", "scenes_found", "scenes", "candidates", "unusable", "too_cloudy", "other_month")
        plans[name] = [{count: month[count] for count in counts} for month in json.loads(done.stdout)["months"]]
    assert plans["twin"] == plans["folder"]
    assert len(api.searches) > 2 * 2, "several pages of each month"
    folder, twins = ({scene.id: scene for scene in scenes_at(address, world)} for address in (world.as_uri(), api.url))
    assert folder.keys() == twins.keys()
    assert {scene.collection for scene in twins.values()} == {*COLLECTIONS}
    made = {name: chips(scene) for name, scene in twins.items()}
    assert made == {name: chips(scene) for name, scene in folder.items()}
    assert sum(digest is not None for each in made.values() for digest in each.values()) >= 12
    assert None not in {request.first for request in files.requests if request.method == "GET"}, "by ranges alone"


def scenes_at(address, world):
    """Scenes that a catalogue lists of both months."""
    area = json.loads((world / "aoi.geojson").read_text())["geometry"]
    months = (Month(2024, 8), Month(2024, 9))
    items = search_items(Catalogue(url=address, backoff_s=0, page_size=3), area, months, COLLECTIONS)
    kept = select_scenes(items, Criteria(months=months, max_scene_cloud=100.0, settled=()))
    return [Scene.model_validate_json(packed.line) for packed in kept.scenes]


def chips(scene):
    """Digest of the chip of each cell that lies in the scene; None where it cannot be made."""
    asset = scene.assets["scl"]
    west, north, (height, width) = asset.transform[2], asset.transform[5], asset.shape
    cols = range(int(-(-west // CELL_M)), int((west + width * 20) // CELL_M))
    rows_ = range(int(-(-(north - height * 20) // CELL_M)), int(north // CELL_M))
    cells = [CellIndex(col=col, row=row) for row in rows_ for col in cols]
    made = make_chips(scene, cells, decide_radiometry(scene).radiometry)
    return {read.index: read.chip and read.chip.content_digest for read in made}


@pytest.mark.beside
@pytest.mark.timeout(1800)
def test_months_are_the_same_as_from_a_folder(earth, world, encoder, tmp_path):
    api, files = earth
    api.most = 3
    months = {}
    for name, source in (("folder", ("--data", world)), ("twin", (f"catalogue.url={api.url}",))):
        options = ("--lake", tmp_path / name, "--aoi", world / "aoi.geojson", "--month", BOTH, "--encoder", encoder)
        done = claylake("run", *options, *source, "--json")
        assert done.returncode == 0, done.stderr
        counts = ("outcome", "scenes_found", "scenes", "candidates", "chips", "rejected", "failed", "month_vectors")
        months[name] = [{count: month[count] for count in counts} for month in json.loads(done.stdout)["months"]]
    assert months["twin"] == months["folder"]
    assert None not in {request.first for request in files.requests if request.method == "GET"}, "by ranges alone"
    same = ("content_digest", "clay_tensor", "radiometry", "scene_id")
    here, there = (
        {row["id"]: [row[name] for name in same] for row in rows(tmp_path / lake, encoder, "chips")}
        for lake in ("folder", "twin")
    )
    assert here == there != {}
    assert {radiometry for _, _, radiometry, _ in here.values()} == {"as_published", "minus_1000"}
    keys = ("id", "content_digest", "model_version", "convention")
    vectors, others = (
        {
            tuple(row[key] for key in keys): row["global_embedding"]
            for row in rows(tmp_path / lake, encoder, "embeddings")
        }
        for lake in ("folder", "twin")
    )
    assert vectors.keys() == others.keys()
    assert {key[:2] for key in vectors} == {(name, values[0]) for name, values in here.items()}
    # Sums of floating point depend on how many chips share them.
    assert max(np.abs(np.array(vectors[key]) - others[key]).max() for key in vectors) < 1e-5


@pytest.mark.skipif(not SAVED.is_dir(), reason="the folder of real catalogue pages is absent")
def test_the_twin_answers_as_the_saved_pages_do(earth, world):
    api, _ = earth
    saved = SAVED / "earth-search-v1"
    real, last = (json.loads((saved / f"pystac-client_test_multiple_collections_{n}.json").read_text()) for n in (0, 1))
    area = json.loads((world / "aoi.geojson").read_text())["geometry"]
    query = {"collections": list(COLLECTIONS), "intersects": area, "limit": 2}
    page = api.search(query)
    ours, theirs = page["links"][0], real["links"][0]
    assert ours.keys() == theirs.keys()
    assert {key: ours[key] for key in ("rel", "method", "merge", "type")} == {
        key: theirs[key] for key in ("rel", "method", "merge", "type")
    }
    assert ours["body"].keys() - theirs["body"].keys() == {"limit"}
    _, name, collection = theirs["body"]["next"].split(",")
    end = real["features"][-1]
    assert (name, collection) == (end["id"], end["collection"])
    assert ours["body"]["next"].split(",")[1:] == [page["features"][-1]["id"], page["features"][-1]["collection"]]
    assert [link["rel"] for link in last["links"]] == ["root"], "the page after the last item has no next one"
    assert page.keys() <= real.keys()
    of_c1 = next((SAVED / "earth-search-v1-c1").glob("*.json"))
    of_l2a = saved / "baselines/S2B_33TWN_20220226_0_L2A.json"
    for path, collection in ((of_c1, COLLECTION_C1), (of_l2a, COLLECTION_L2A)):
        item = json.loads(path.read_text())
        twins = next(each for each in api.items if each["collection"] == collection)
        assert {*ASSETS} <= {*item["assets"]} & {*twins["assets"]}
        assert {*twins["assets"]} <= {*item["assets"]}
        assert find_assets(item["assets"]).keys() == find_assets(twins["assets"]).keys()
        flag = "earthsearch:boa_offset_applied"
        assert (flag in item["properties"]) is (flag in twins["properties"])
        for key in ("s2:processing_baseline", "s2:datatake_id", "s2:product_uri", "eo:cloud_cover", "updated"):
            assert key in item["properties"]
            assert key in twins["properties"]
