"""Files that are not what a band of Sentinel-2 L2A is: refused with what was found, never cast."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

from claylake.catalogue.scene import Scene
from claylake.vocabulary import BANDS, BANDS_10M, SCL_ASSET
from spark.reading.errors import EmptyBandError, NotAsExpectedError
from spark.reading.observe import observe
from spark.reading.scene import CellPixels, Unread, read_cells
from spark.reading.strips import CellIndex
from spark.sentinel2.emptiness import empty_shares
from tests.spark.extract.imagery import VEGETATION, Sheet, coordinates, paint, write

SHEET = Sheet(west=156 * 2560, north=1344 * 2560, side=2 * 2560)
CELLS = [CellIndex(col=156 + x, row=1343 - y) for y in range(2) for x in range(2)]
FIRST = CELLS[0]


def replace(scene: Scene, key: str, change: Callable[[np.ndarray], np.ndarray], **options: Any) -> None:
    """Write a band anew, with other pixels and rasterio's `options`."""
    path = Path(scene.assets[key].href)
    with rasterio.open(path) as file:
        pixels, transform = file.read(1), file.transform
    tags = {name: options.pop(name) for name in ("scale", "offset", "mask") if name in options}
    write(path, change(pixels), SHEET.epsg, transform, **options)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        if "scale" in tags:
            file.scales, file.offsets = (tags["scale"],), (tags["offset"],)
        if "mask" in tags:
            file.write_mask(np.asarray(tags["mask"]))


def same(pixels: np.ndarray) -> np.ndarray:
    return pixels


def cast(kind: str, factor: float = 1) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: (pixels * factor).astype(kind)


HALF_MASK = np.repeat(np.array([[0, 255]], np.uint8), [256, 256], axis=1).repeat(512, axis=0)
WRONG_FILES = [
    ("red", cast("float32", 0.0001), {"nodata": None}, "pixel_type", "float32; expected integers from 0 to 65535"),
    ("red", cast("float32"), {"nodata": float("nan")}, "pixel_type", "float32"),
    ("swir16", cast("float64"), {}, "pixel_type", "float64"),
    ("red", cast("complex64"), {}, "pixel_type", "complex64"),
    ("green", cast("uint8", 1 / 256), {}, "pixel_type", "uint8"),
    ("green", cast("int8", 1 / 512), {}, "pixel_type", "int8"),
    ("red", cast("int16", 0.1), {"nodata": -9999}, "nodata_tag", "nodata -9999; expected 0 or none"),
    ("nir", same, {"nodata": 65535}, "nodata_tag", "nodata 65535"),
    ("nir08", same, {"nodata": 1}, "nodata_tag", "nodata 1;"),
    ("blue", same, {"nodata": None, "mask": HALF_MASK}, "nodata_tag", "a mask of its own"),
    ("blue", same, {"count": 3}, "band_count", "3 bands; expected 1"),
    ("red", same, {"scale": 1.0, "offset": -1000.0}, "scale_tag", "scale 1 and offset -1000"),
    ("red", same, {"scale": 0.001, "offset": 0.0}, "scale_tag", "scale 0.001"),
    ("scl", cast("float32"), {}, "pixel_type", "float32; expected integers from 0 to 11"),
    ("scl", same, {"nodata": 255}, "nodata_tag", "nodata 255"),
    ("scl", same, {"scale": 0.0001, "offset": 0.0}, "scale_tag", "expected none"),
]


@pytest.mark.parametrize(("key", "change", "options", "reason", "text"), WRONG_FILES)
def test_a_file_of_another_kind_is_refused(
    tmp_path: Path,
    key: str,
    change: Callable[[np.ndarray], np.ndarray],
    options: dict[str, Any],
    reason: str,
    text: str,
) -> None:
    scene = paint(tmp_path, SHEET)
    replace(scene, key, change, **options)
    with pytest.raises(NotAsExpectedError) as caught:
        next(read_cells(scene, CELLS))
    assert caught.value.reason == reason
    assert str(caught.value).startswith(f"{key}: {scene.assets[key].href}: ")
    assert text in str(caught.value)
    if key == SCL_ASSET:
        observed = list(observe(scene, CELLS))
        assert [cell.error.reason for cell in observed if cell.error] == [reason] * len(CELLS)
        assert all(cell.measures is None for cell in observed)


@pytest.mark.parametrize(
    ("key", "change", "options"),
    [
        ("red", same, {"nodata": None}),
        ("red", same, {"scale": 0.0001, "offset": 0.0}),
        ("red", same, {"scale": 0.0001, "offset": -0.1}),
        ("swir16", cast("uint32"), {}),
        ("swir16", cast("int32"), {"nodata": None}),
        ("scl", cast("uint16"), {}),
        ("scl", cast("int8"), {"nodata": None}),
    ],
)
def test_the_same_numbers_in_another_form_are_read(
    tmp_path: Path, key: str, change: Callable[[np.ndarray], np.ndarray], options: dict[str, Any]
) -> None:
    scene = paint(tmp_path, SHEET)
    usual = list(read_cells(scene, CELLS))
    replace(scene, key, change, **options)
    for one, other in zip(usual, read_cells(scene, CELLS), strict=True):
        np.testing.assert_array_equal(one.raw, other.raw)
        np.testing.assert_array_equal(one.scl, other.scl)
        assert (other.raw.dtype, other.scl.dtype) == (np.uint16, np.uint8)


@pytest.mark.parametrize(
    ("key", "kind", "value", "highest"),
    [
        ("red", "int16", -9999, 65535),
        ("red", "int32", -1, 65535),
        ("swir22", "uint32", 65536, 65535),
        ("nir", "uint32", 2**32 - 1, 65535),
        ("scl", "uint8", 12, 11),
        ("scl", "uint8", 255, 11),
        ("scl", "int16", -1, 11),
    ],
)
def test_a_number_that_a_band_cannot_hold_costs_its_cell(
    tmp_path: Path, key: str, kind: str, value: int, highest: int
) -> None:
    scene = paint(tmp_path, SHEET)

    def planted(pixels: np.ndarray) -> np.ndarray:
        pixels = (pixels // 2 if kind == "int16" and key != SCL_ASSET else pixels).astype(kind)
        pixels[3, -5] = value
        return pixels

    replace(scene, key, planted, nodata=None)
    got = {part.index: part for part in read_cells(scene, CELLS)}
    lost = got.pop(CELLS[1])
    assert isinstance(lost, Unread)
    assert lost.error.reason == "pixel_values"
    assert f"a pixel of {value}; expected 0 to {highest}" in str(lost.error)
    assert all(isinstance(part, CellPixels) for part in got.values())
    if key == SCL_ASSET:
        observed = {cell.index: cell for cell in observe(scene, CELLS)}
        assert {index for index, cell in observed.items() if cell.error} == {CELLS[1]}


def cropped(scene: Scene, key: str, west: int, north: int, columns: int, rows: int) -> None:
    """Leave only a part of a band: `west` and `north` pixels are cut off, the file says where it lies."""
    path = Path(scene.assets[key].href)
    with rasterio.open(path) as file:
        pixels, t = file.read(1), file.transform
    part = np.ascontiguousarray(pixels[north : north + rows, west : west + columns])
    write(path, part, SHEET.epsg, Affine(t.a, 0, t.c + west * t.a, 0, t.e, t.f + north * t.e))


@pytest.mark.parametrize("described", [True, False])
@pytest.mark.parametrize(
    ("key", "part"),
    [("red", (0, 0, 256, 512)), ("red", (2, 0, 510, 512)), ("swir16", (0, 0, 256, 255)), ("scl", (0, 0, 255, 256))],
)
def test_a_band_that_covers_less_is_refused(
    tmp_path: Path, key: str, part: tuple[int, int, int, int], described: bool
) -> None:
    scene = paint(tmp_path, SHEET)
    cropped(scene, key, *part)
    if not described:
        scene = scene.model_copy(
            update={
                "assets": {
                    name: asset.model_copy(update={"transform": None, "shape": None})
                    for name, asset in scene.assets.items()
                }
            }
        )
    with pytest.raises(NotAsExpectedError) as caught:
        next(read_cells(scene, CELLS))
    assert caught.value.reason == "misaligned"
    assert ("as the item says" if described else "as the classification") in str(caught.value)


def test_an_overview_in_place_of_the_band_is_refused(tmp_path: Path) -> None:
    scene = paint(tmp_path, SHEET)
    write(
        Path(scene.assets["red"].href),
        np.ones((256, 256), np.uint16),
        SHEET.epsg,
        Affine(20, 0, SHEET.west, 0, -20, SHEET.north),
    )
    with pytest.raises(NotAsExpectedError, match="pixels of 20 m; expected 10 m"):
        next(read_cells(scene, CELLS))


def test_messages_do_not_show_what_signs_an_address(tmp_path: Path) -> None:
    from spark.reading.band import Band

    scene = paint(tmp_path, SHEET)
    asset = scene.assets["red"].model_copy(update={"href": "https://host/a/red.tif?X-Amz-Signature=abc#here"})
    assert Band("red", asset, epsg=32629).file == "https://host/a/red.tif"


def emptied(keys: tuple[str, ...], share: float) -> Callable[[str, np.ndarray, np.ndarray], np.ndarray]:
    """Paints scenes in which some bands are 0 in the first `share` of the rows of the first cell."""

    def made(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        pixels = np.array(np.broadcast_to(coordinates(key, x, y), (y.size, x.size)))
        if key in keys:
            count = 256 if key in BANDS_10M else 128
            flat = pixels[:count, :count].reshape(-1).copy()
            flat[: round(share * flat.size)] = 0
            pixels[:count, :count] = flat.reshape(count, count)
        return pixels

    return made


@pytest.mark.parametrize(
    ("keys", "share", "named"),
    [
        (BANDS, 1.0, ",".join(BANDS)),
        (("red",), 1.0, "red"),
        (tuple(key for key in BANDS if key != "blue"), 1.0, ",".join(BANDS[1:])),
        (("swir22",), 0.02, "swir22"),
        (("nir", "swir16"), 0.011, "nir,swir16"),
    ],
)
def test_a_band_without_data_under_a_good_classification_fails(
    tmp_path: Path, keys: tuple[str, ...], share: float, named: str
) -> None:
    scene = paint(tmp_path, SHEET, emptied(keys, share))
    assert all(cell.error is None for cell in observe(scene, CELLS))
    got = {part.index: part for part in read_cells(scene, CELLS)}
    lost = got.pop(FIRST)
    assert isinstance(lost, Unread)
    assert isinstance(lost.error, EmptyBandError)
    assert lost.error.reason == "band_empty"
    assert str(lost.error).startswith(f"{named}: ")
    assert "% of the pixels where the classification has data are 0; expected at most 1%" in str(lost.error)
    assert all(isinstance(part, CellPixels) for part in got.values())


def test_a_few_empty_pixels_become_1_as_before(tmp_path: Path) -> None:
    from spark.sentinel2.radiometry import decide_radiometry, harmonise

    scene = paint(tmp_path, SHEET, emptied(("red",), 0.009))
    first = next(iter(read_cells(scene, CELLS)))
    assert isinstance(first, CellPixels)
    red = harmonise(first.raw, decide_radiometry(scene).radiometry)[BANDS.index("red")]
    assert int((red == 1).sum()) == round(0.009 * 65_536)


def test_a_band_may_be_empty_where_the_classification_is(tmp_path: Path) -> None:
    def half(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        count = 256 if key in BANDS_10M else 128
        return np.where(x < 156 * count + count // 2, 0, coordinates(key, x, y)).astype(
            np.uint8 if key == SCL_ASSET else np.uint16
        )

    assert all(isinstance(part, CellPixels) for part in read_cells(paint(tmp_path, SHEET, half), CELLS))


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1))
def test_shares_are_those_of_counting_one_by_one(seed: int, zeros: float, holes: float) -> None:
    random = np.random.default_rng(seed)
    raw = (random.random((10, 6, 8)) >= zeros).astype(np.uint16) * 77
    scl = (random.random((3, 4)) >= holes).astype(np.uint8) * VEGETATION
    pairs = [(row, col) for row in range(6) for col in range(8) if scl[row // 2, col // 2]]
    counted = [sum(int(band[row, col]) == 0 for row, col in pairs) / max(1, len(pairs)) for band in raw]
    np.testing.assert_allclose(empty_shares(raw, scl), counted)
