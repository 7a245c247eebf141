"""Events change the pixels inside their outlines, from their dates on, as such ground looks."""

import json
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from shapely import box

from claylake.vocabulary import BANDS
from infra.world.build import build
from infra.world.errors import WorldError
from infra.world.events.event import Event
from infra.world.events.traces import traces_of
from infra.world.ground.landcover import paint_landscape
from infra.world.ground.spectra import ground
from infra.world.imaging.scl import Scl
from infra.world.place import place_of
from tests.infra.world.reading import items, pick, read

TINY = place_of("tiny")
START = datetime(2024, 6, 1, tzinfo=UTC)
FITTING = {
    "fire": "fire,63%/71%,2024-06-01,40ha",
    "flood": "flood,35%/42%,2024-06-01/2024-06-21,80ha",
    "clear-cut": "clear-cut,63%/71%,2024-06-01,15ha",
    "settlement": "settlement,17.6%/76%,2024-06-01,30ha",
}
AREAS_HA = {"fire": 40, "flood": 80, "clear-cut": 15, "settlement": 30}


@pytest.fixture(scope="module")
def land():
    return paint_landscape(7, TINY.extent)


def trace(land, text):
    [found] = traces_of([Event.parse(text)], TINY, land, 7)
    return found


def at(found, land, days):
    moment = START + timedelta(days=days)
    return found.at(moment, ground(land.units, moment.timetuple().tm_yday))


def before_and_after(land, layer, day=200):
    """The spectra of changed pixels without and with an event, `(pixel, band)`."""
    look = ground(land.units, day)
    old = look[land.unit[layer.pixels]]
    new = np.empty_like(old)
    for index, band in enumerate(BANDS):
        field = look[:, index][land.unit]
        layer.paint(field, band)
        new[:, index] = field[layer.pixels]
    return old, new


def difference(spectra, first, second):
    a, b = (spectra[:, BANDS.index(band)] for band in (first, second))
    return (a - b) / (a + b)


@pytest.mark.parametrize("kind", FITTING)
def test_an_event_has_the_size_that_was_given_and_shows_after_its_date_only(land, kind):
    found = trace(land, FITTING[kind])
    assert found.outline.area == pytest.approx(AREAS_HA[kind] * 1e4, rel=0.01)
    assert at(found, land, 0) is None
    layer = at(found, land, 1)
    rows, cols = layer.pixels
    east, north = TINY.extent.west + 10 * (cols + 0.5), TINY.extent.north - 10 * (rows + 0.5)
    inside = np.array([found.outline.covers(box(x, y, x, y)) for x, y in zip(east[::50], north[::50], strict=True)])
    assert inside.all()
    assert layer.spectra.shape == (rows.size, len(BANDS))
    assert (layer.share >= 0).all()
    assert (layer.share <= 1).all()


def test_what_burns_loses_near_infrared_and_gains_short_wave(land):
    old, new = before_and_after(land, at(trace(land, FITTING["fire"]), land, 30))
    assert np.median(difference(old, "nir08", "swir22") - difference(new, "nir08", "swir22")) > 0.4


def test_a_flood_is_water_falls_and_leaves_mud(land):
    found = trace(land, FITTING["flood"])
    high, falling, gone = (at(found, land, days) for days in (2, 15, 25))
    assert high.water.sum() > falling.water.sum() > 0
    assert not gone.water.any()
    old, new = before_and_after(land, high)
    wet = high.water
    assert np.median(difference(old[wet], "green", "swir16")) < -0.2
    assert np.median(difference(new[wet], "green", "swir16")) > 0.3
    _, mud = before_and_after(land, gone)
    assert np.median(mud[:, BANDS.index("swir22")]) < 1500
    assert at(found, land, 60) is None


def test_felled_forest_is_bare_and_grows_over(land):
    found = trace(land, FITTING["clear-cut"])
    old, new = before_and_after(land, at(found, land, 30))
    ndvi = [np.median(difference(spectra, "nir", "red")) for spectra in (old, new)]
    assert ndvi[0] > 0.7
    assert ndvi[1] < 0.4
    _, later = before_and_after(land, at(found, land, 3 * 365 + 30))
    assert ndvi[1] + 0.15 < np.median(difference(later, "nir", "red")) < ndvi[0]


def test_a_settlement_is_bare_then_built_plot_by_plot(land):
    found = trace(land, FITTING["settlement"])
    _, site = before_and_after(land, at(found, land, 30))
    assert np.abs(difference(site, "nir", "red")).max() < 0.35
    built = [
        (at(found, land, days).spectra != at(found, land, 30).spectra).any(1).mean() for days in (31, 61, 300, 600)
    ]
    assert built == sorted(built)
    assert built[0] == 0
    assert built[-1] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clear-cut,30%/30%,2024-08-10,12ha", "0% of the ground around 30%/30% is forest"),
        ("settlement,20%/80%,2024-08-10,30ha", "open land"),
        ("fire,27%/17%,2024-08-10,10ha", "burnable"),
        ("flood,90%/95%,2024-08-10,30ha", "within 1500 m"),
    ],
)
def test_where_an_event_does_not_fit_the_message_names_a_place_where_it_does(land, text, words):
    with pytest.raises(WorldError, match=re.escape(words)) as error:
        trace(land, text)
    better = re.search(r"nearest \D*([\d.]+%/[\d.]+%)", str(error.value))
    kind, _, *rest = text.split(",")
    assert trace(land, ",".join([kind, better[1], *rest]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fire,2%/2%,2024-08-01,100ha", "reaches beyond the world of size tiny"),
        ("fire,11/48,2024-08-01", "from 11.72/48.36 to 11.83/48.42"),
        ("flood,35%/42%,2024-08-01,4000ha", "smaller size"),
        ("clear-cut,63%/71%,2024-08-01,3000ha", "beyond the world"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(land, text, words):
    with pytest.raises(WorldError, match=re.escape(words)):
        trace(land, text)


def test_degrees_and_shares_meet(land):
    by_share = trace(land, "clear-cut,63%/71%,2024-06-01,15ha")
    from pyproj import Transformer

    east, north = by_share.outline.centroid.x, by_share.outline.centroid.y
    lon, lat = Transformer.from_crs(TINY.epsg, 4326, always_xy=True).transform(east, north)
    by_degrees = trace(land, f"clear-cut,{lon:.7f}/{lat:.7f},2024-06-01,15ha")
    assert by_degrees.outline.symmetric_difference(by_share.outline).area < 100


@pytest.mark.slow
def test_a_world_shows_its_events_in_pixels_classes_and_files(tmp_path):
    texts = ["flood,35%/42%,2024-08-09/2024-09-20,80ha", "clear-cut,63%/71%,2024-08-09,15ha"]
    plain, changed = tmp_path / "plain", tmp_path / "changed"
    build(plain, months=["2024-08"], size="tiny", events=())
    world = build(changed, months=["2024-08"], size="tiny", events=[Event.parse(text) for text in texts])
    assert world["events"] == texts
    features = json.loads((changed / "event.geojson").read_text())["features"]
    assert [feature["properties"]["name"] for feature in features] == ["flood", "clear-cut"]
    assert json.loads((plain / "event.geojson").read_text())["features"] == []
    before = [read(changed, item, "red") for item in pick(changed, day="20240807")]
    assert all(
        np.array_equal(a, read(plain, i, "red")) for a, i in zip(before, pick(plain, day="20240807"), strict=True)
    )
    [old], [new] = ([i for i in pick(w, day="20240812") if "UPU" in i["id"]] for w in (plain, changed))
    classes = read(plain, old, "scl"), read(changed, new, "scl")
    flooded = (classes[0] != Scl.WATER) & (classes[1] == Scl.WATER)
    felled = (classes[0] == Scl.VEGETATION) & (classes[1] == Scl.NOT_VEGETATED)
    assert 30e4 < 400 * flooded.sum() <= 80e4
    assert 8e4 < 400 * felled.sum() <= 20e4
    rest = ~(classes[0] != classes[1])
    assert rest.mean() > 0.95
    assert len(items(plain)) == len(items(changed))


def test_winter_is_bare(tmp_path, land):
    for kind in (9, 11):  # nothing of gravel changes, and deciduous trees lose their leaves
        units = land.units.kind == kind
        ndvi = [np.median(difference(ground(land.units, day)[units], "nir", "red")) for day in (15, 190)]
        assert ndvi[1] - ndvi[0] > 0.4 if kind == 11 else ndvi[0] == ndvi[1]
    whole_year = np.array([ground(land.units, day).mean(0) for day in range(1, 366)])
    jumps = np.abs(np.diff(np.vstack([whole_year, whole_year[:1]]), axis=0)).max(1)
    assert jumps.max() < 250  # DN from one day to the next, new year's among them
