"""Files of every structure, good and bad: each cell is exactly its pixels, or a failure with a reason.

`make fuzz` tries many more examples than `make test`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.transform import Affine

from claylake.catalogue.scene import Scene
from claylake.vocabulary import BANDS, BANDS_10M, SCL_ASSET
from spark.reading.errors import ReadError
from spark.reading.observe import observe
from spark.reading.scene import CellPixels, Unread, read_cells
from spark.reading.strips import CellIndex
from tests.spark.extract.imagery import Sheet, coordinates, paint

# A file that lost its place is refused as misaligned.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")]
EXAMPLES = int(os.environ.get("CLAYLAKE_FUZZ_EXAMPLES", "25"))
# Two by two cells and a margin, so that windows lie inside, across and beyond the files.
SHEET = Sheet(west=156 * 2560 - 200, north=1344 * 2560 + 200, side=2 * 2560 + 200)
CELLS = [CellIndex(col=156 + x, row=1343 - y) for y in range(2) for x in range(2)]
KEYS = (*BANDS, SCL_ASSET)
REASONS = {
    "band_count",
    "band_empty",
    "misaligned",
    "nodata_tag",
    "pixel_type",
    "pixel_values",
    "scale_tag",
    "unreadable",
}
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A good scene; not to be changed."""
    return paint(tmp_path_factory.mktemp("base"), SHEET)


def copied(scene: Scene, folder: Path) -> Scene:
    """The scene with files of its own in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    assets = {}
    for key, asset in scene.assets.items():
        path = folder / Path(asset.href).name
        path.symlink_to(asset.href)
        assets[key] = asset.model_copy(update={"href": str(path)})
    return scene.model_copy(update={"assets": assets})


def pixels_of(key: str) -> tuple[np.ndarray, Affine]:
    """A band's good pixels, and its transform."""
    pixel_m = 10 if key in BANDS_10M else 20
    x, y = SHEET.numbers(pixel_m)
    pixels = np.ascontiguousarray(np.broadcast_to(coordinates(key, x, y), (y.size, x.size)))
    return pixels, Affine(pixel_m, 0, SHEET.west, 0, -pixel_m, SHEET.north)


def oracle(key: str, pixels: np.ndarray, index: CellIndex) -> np.ndarray:
    """A cell's pixels at 10 m, by numpy indices alone; 0 beyond the sheet."""
    pixel_m = 10 if key in BANDS_10M else 20
    side = 2560 // pixel_m
    left, top = (index.col * 2560 - SHEET.west) // pixel_m, (SHEET.north - (index.row + 1) * 2560) // pixel_m
    cell = np.zeros((side, side), pixels.dtype)
    for row in range(side):
        for col in (slice(max(0, -left), min(side, pixels.shape[1] - left)),):
            if 0 <= top + row < pixels.shape[0] and col.stop > col.start:
                cell[row, col] = pixels[top + row, left + col.start : left + col.stop]
    return np.kron(cell, np.ones((256 // side,) * 2, cell.dtype)) if key != SCL_ASSET else cell


STRUCTURES = st.fixed_dictionaries(
    {
        "compress": st.sampled_from(["none", "deflate", "lzw", "zstd", "packbits"]),
        "predictor": st.sampled_from([1, 2]),
        "layout": st.sampled_from([16, 64, 256, 512, 1024, "strips", "one strip"]),
        "bigtiff": st.sampled_from(["yes", "no"]),
        "endianness": st.sampled_from(["little", "big"]),
        "sparse_ok": st.booleans(),
        "overviews": st.booleans(),
        "point": st.booleans(),
        "nodata": st.sampled_from([0, None]),
        "tags": st.sampled_from([None, (0.0001, 0.0), (0.0001, -0.1)]),
    }
)


def write(path: Path, pixels: np.ndarray, transform: Affine, structure: dict[str, Any], **changes: Any) -> None:
    """A GeoTIFF of some structure in place of whatever is at `path`."""
    path.unlink(missing_ok=True)
    layout = structure["layout"]
    tiles: dict[str, Any] = {"tiled": True, "blockxsize": layout, "blockysize": layout}
    if not isinstance(layout, int):
        tiles = {"blockysize": pixels.shape[0] if layout == "one strip" else 7}
    profile = {
        "driver": "GTiff",
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "count": 1,
        "dtype": pixels.dtype,
        "crs": CRS.from_epsg(SHEET.epsg),
        "transform": transform,
        "nodata": structure["nodata"],
        "bigtiff": structure["bigtiff"],
        "endianness": structure["endianness"],
        "sparse_ok": structure["sparse_ok"],
        **tiles,
    }
    if structure["compress"] != "none":
        profile["compress"] = structure["compress"]
    if structure["compress"] in ("deflate", "lzw", "zstd") and np.issubdtype(pixels.dtype, np.integer):
        profile["predictor"] = structure["predictor"]
    profile |= changes
    with rasterio.open(path, "w", **profile) as file:
        for band in range(1, file.count + 1):
            file.write(pixels.astype(file.dtypes[0]), band)
        if structure["point"]:
            file.update_tags(AREA_OR_POINT="Point")
        if structure["tags"]:
            file.scales, file.offsets = (structure["tags"][0],) * file.count, (structure["tags"][1],) * file.count
    if structure["overviews"]:
        with rasterio.open(path, "r+") as file:
            file.build_overviews([2, 4], Resampling.nearest)


def read(scene: Scene) -> dict[CellIndex, CellPixels | ReadError]:
    """Every cell, with its pixels or its error; observing says as much of the classification."""
    try:
        got = {part.index: part if isinstance(part, CellPixels) else part.error for part in read_cells(scene, CELLS)}
    except ReadError as error:
        got = dict.fromkeys(CELLS, error)
    assert sorted(got) == sorted(CELLS)
    observed = {cell.index: cell for cell in observe(scene, CELLS)}
    assert sorted(observed) == sorted(CELLS)
    for index, part in got.items():
        if isinstance(part, CellPixels):
            assert observed[index].error is None
            assert observed[index].measures is not None
        else:
            assert part.reason in REASONS
            assert str(part).partition(":")[0].split(",")[0] in KEYS
    return got


@FUZZ
@given(key=st.sampled_from(KEYS), structure=STRUCTURES, wide=st.booleans())
def test_any_structure_of_the_same_pixels_gives_the_same_cells(
    base: Scene, tmp_path: Path, key: str, structure: dict[str, Any], wide: bool
) -> None:
    scene = copied(base, tmp_path / "scene")
    pixels, transform = pixels_of(key)
    if key == SCL_ASSET:
        structure = structure | {"tags": None}
    write(Path(scene.assets[key].href), pixels.astype(np.int32) if wide else pixels, transform, structure)
    for index, part in read(scene).items():
        assert isinstance(part, CellPixels), part
        found = part.scl if key == SCL_ASSET else part.raw[BANDS.index(key)]
        np.testing.assert_array_equal(found, oracle(key, pixels, index))


Damaged = tuple[np.ndarray, Affine, dict[str, Any]]


def with_value(pixels: np.ndarray, choice: int) -> np.ndarray:
    """One pixel holds what no band can."""
    wide = pixels.astype(np.int32)
    wide[choice * 37 % wide.shape[0], choice * 91 % wide.shape[1]] = (-1, -9999, 65536, 2**31 - 1)[choice % 4]
    return wide


def moved(t: Affine, choice: int) -> Affine:
    return Affine(t.a, 0, t.c + (5, 10, t.a, 0.5, -2560)[choice % 5], 0, t.e, t.f)


def cut(pixels: np.ndarray, t: Affine, choice: int) -> Damaged:
    lost = 1 + choice % 200
    return np.ascontiguousarray(pixels[:-lost, lost:]), Affine(t.a, 0, t.c + lost * t.a, 0, t.e, t.f), {}


DAMAGES: dict[str, Callable[[np.ndarray, Affine, int], Damaged]] = {
    "type": lambda p, t, n: (p, t, {"dtype": ("float32", "float64", "complex64")[n % 3], "nodata": None}),
    "nodata": lambda p, t, n: (p, t, {"dtype": "int32", "nodata": (-9999, 1, 65535, 2, -1)[n % 5]}),
    "value": lambda p, t, n: (with_value(p, n), t, {"nodata": None}),
    "bands": lambda p, t, n: (p, t, {"count": 2 + n % 3}),
    "crs": lambda p, t, n: (p, t, {"crs": (CRS.from_epsg(32630), CRS.from_epsg(4326), None)[n % 3]}),
    "shift": lambda p, t, n: (p, moved(t, n), {}),
    "turned": lambda p, t, n: (p, (Affine(t.a, 0.1, t.c, 0, t.e, t.f), Affine(t.a, 0, t.c, 0, -t.e, t.f))[n % 2], {}),
    "pixel": lambda p, t, _: (p, Affine(t.a * 3, 0, t.c, 0, t.e * 3, t.f), {}),
    "cut": cut,
}
"""From a band's pixels, its transform and a number: another file's pixels, transform and changes to its profile."""


@FUZZ
@given(
    key=st.sampled_from(KEYS),
    structure=STRUCTURES,
    kind=st.sampled_from(sorted(DAMAGES)),
    choice=st.integers(0, 1_000),
)
def test_another_file_than_the_item_s_never_gives_a_wrong_pixel(
    base: Scene, tmp_path: Path, key: str, structure: dict[str, Any], kind: str, choice: int
) -> None:
    scene = copied(base, tmp_path / "scene")
    pixels, transform = pixels_of(key)
    changed, where, profile = DAMAGES[kind](pixels, transform, choice)
    write(Path(scene.assets[key].href), changed, where, structure | {"tags": None}, **profile)
    got = read(scene)
    for index, part in got.items():
        if not isinstance(part, CellPixels):
            continue
        assert kind == "value", "only the cell of the impossible value fails"
        np.testing.assert_array_equal(
            part.scl if key == SCL_ASSET else part.raw[BANDS.index(key)], oracle(key, changed, index)
        )


@FUZZ
@given(
    key=st.sampled_from(KEYS),
    structure=STRUCTURES,
    share=st.floats(0, 1),
    length=st.integers(1, 4_000),
    kind=st.sampled_from(["truncated", "zeros", "rubbish", "text", "empty", "missing", "folder"]),
)
def test_broken_bytes_raise_nothing_but_reasons(
    base: Scene, tmp_path: Path, key: str, structure: dict[str, Any], share: float, length: int, kind: str
) -> None:
    scene = copied(base, tmp_path / "scene")
    pixels, transform = pixels_of(key)
    path = Path(scene.assets[key].href)
    write(path, pixels, transform, structure | {"tags": None})
    data = bytearray(path.read_bytes())
    place = int(share * (len(data) - 1))
    assume(place > 0)
    path.unlink()
    if kind == "truncated":
        path.write_bytes(data[:place])
    elif kind in ("zeros", "rubbish"):
        part = bytes(min(length, len(data) - place))
        data[place : place + len(part)] = (
            part if kind == "zeros" else bytes((7 * i + place) % 256 for i in range(len(part)))
        )
        path.write_bytes(data)
    elif kind == "text":
        path.write_text("<html><body>Service unavailable</body></html>")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    for index, part in read(scene).items():
        if isinstance(part, Unread | ReadError) or kind in ("zeros", "rubbish"):
            continue
        # Nothing checks the pixels of an uncompressed file; where bytes are only missing, what is read is right.
        np.testing.assert_array_equal(
            part.scl if key == SCL_ASSET else part.raw[BANDS.index(key)], oracle(key, pixels, index)
        )
