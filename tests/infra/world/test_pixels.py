import numpy as np
import pytest

from claylake.vocabulary import BANDS
from infra.world.writing.scenes import stored
from tests.infra.world.reading import event_mask, items, pick, read


def harmonised(world, item, band):
    """What a reader must get, written independently of the generator."""
    stored = read(world, item, band).astype(int)
    shift = 1000 if item["collection"] == "sentinel-2-c1-l2a" else 0
    return np.where(stored == 0, 0, np.maximum(stored - shift, 1))


@pytest.mark.parametrize("square", ["32UPU", "32UQU"])
def test_twins_harmonise_to_the_same_pixels(tiny, square):
    l2a, c1 = (
        next(i for i in pick(tiny, day="20240703", collection=name) if square in i["id"])
        for name in ("sentinel-2-l2a", "sentinel-2-c1-l2a")
    )
    for band in BANDS:
        np.testing.assert_array_equal(harmonised(tiny, l2a, band), harmonised(tiny, c1, band))
    np.testing.assert_array_equal(read(tiny, l2a, "scl"), read(tiny, c1, "scl"))


def test_nodata_is_zero_in_all_bands_exactly_where_scl_is_zero(tiny):
    seen = 0
    for item in items(tiny):
        nodata = read(tiny, item, "scl") == 0
        seen += nodata.sum()
        for band in BANDS:
            array = read(tiny, item, band)
            expected = nodata if array.shape == nodata.shape else nodata.repeat(2, 0).repeat(2, 1)
            np.testing.assert_array_equal(array == 0, expected)
    assert seen > 0


def test_offset_evidence_is_unambiguous(tiny):
    """Under the published rule, pixels below 1,000 refute an offset and their lack is no proof."""
    for item in items(tiny):
        scl = read(tiny, item, "scl")
        clear = ~np.isin(scl, [0, 1, 3, 8, 9, 10])
        if clear.sum() < 1000:
            continue
        below = np.mean(read(tiny, item, "rededge1")[clear] < 1000)
        if item["collection"] == "sentinel-2-c1-l2a":
            assert below < 0.001
        else:
            assert below > 0.05


def test_overlapping_tiles_show_the_same_ground(tiny):
    west, east = (next(i for i in pick(tiny, day="20240812") if s in i["id"]) for s in ("32UPU", "32UQU"))
    for name, pixel in (("red", 10), ("swir16", 20), ("scl", 20)):
        a, b = read(tiny, west, name), read(tiny, east, name)
        left, top, *_ = overlap(west, east, name)
        from_west, from_north = (int(v / pixel) for v in (left, top))
        common = a[max(from_north, 0) :, from_west:]
        other = b[max(-from_north, 0) :, : common.shape[1]][: common.shape[0]]
        assert common.size > 1000
        np.testing.assert_array_equal(common[: other.shape[0]], other)


def overlap(west, east, name):
    """Metres from the western raster's corner to the eastern's: rightwards, downwards."""
    a, b = (item["assets"][name]["proj:transform"] for item in (west, east))
    return b[2] - a[2], a[5] - b[5]


def test_scl_agrees_with_the_pixels(tiny):
    codes = set()
    for item in items(tiny):
        scl = read(tiny, item, "scl")
        codes |= set(np.unique(scl).tolist())
        red, nir = (
            harmonised(tiny, item, band).reshape(scl.shape[0], 2, scl.shape[1], 2).mean((1, 3))
            for band in ("red", "nir")
        )
        ndvi = (nir - red) / np.maximum(nir + red, 1)
        for code, low, high in ((4, 0.35, 1.0), (5, -0.2, 0.5), (6, -1.0, 0.5)):
            if (scl == code).sum() > 200:
                assert low < np.median(ndvi[scl == code]) < high
        if (scl == 9).any():
            assert np.median(red[scl == 9]) > 3000
    assert {0, 2, 3, 4, 5, 6, 7, 8, 9, 11} <= codes


def test_cloud_cover_is_counted_in_the_scl(tiny):
    for item in items(tiny):
        scl = read(tiny, item, "scl")
        valid = scl > 0
        cover = 100 * np.isin(scl[valid], [8, 9, 10]).mean()
        assert item["properties"]["eo:cloud_cover"] == pytest.approx(cover, abs=1e-4)
        assert item["properties"]["s2:nodata_pixel_percentage"] == pytest.approx(100 * np.mean(~valid), abs=1e-4)
    overcast = [i for i in items(tiny) if i["properties"]["eo:cloud_cover"] > 80]
    assert {i["id"] for i in overcast} == {"S2B_32UPU_20240807_0_L2A", "S2B_32UQU_20240807_0_L2A"}


def test_the_burn_shows_inside_its_outline_and_nowhere_else(tiny):
    before, after = (next(i for i in pick(tiny, day=day) if "UQU" in i["id"]) for day in ("20240812", "20240906"))
    drop = nbr(tiny, before) - nbr(tiny, after)
    clear = np.isin(read(tiny, before, "scl"), [2, 4, 5, 7]) & np.isin(read(tiny, after, "scl"), [2, 4, 5, 7])
    inside = event_mask(tiny, after, "scl", all_touched=False)
    ring = grown(event_mask(tiny, after, "scl", all_touched=True), 6) & ~grown(inside, 2)
    assert (inside & clear).sum() > 200
    assert np.median(drop[inside & clear]) > 0.4
    assert abs(np.median(drop[ring & clear])) < 0.1


def nbr(world, item):
    nir, swir = (harmonised(world, item, band).astype(float) for band in ("nir08", "swir22"))
    return (nir - swir) / np.maximum(nir + swir, 1)


def grown(mask, steps):
    out = mask.copy()
    for _ in range(steps):
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            out |= np.roll(out, step, axis)
    return out


def test_stored_dn_clamp_valid_pixels_and_keep_nodata():
    signed = np.array([[-30, 0, 1, 5000]], dtype=np.int32)
    valid = np.array([[True, True, True, False]])
    assert stored(signed, valid, "sentinel-2-l2a").tolist() == [[1, 1, 1, 0]]
    assert stored(signed, valid, "sentinel-2-c1-l2a").tolist() == [[970, 1000, 1001, 0]]
