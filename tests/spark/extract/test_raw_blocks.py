"""Blocks decoded without GDAL are GDAL's; whatever is unusual is left to GDAL, and never raises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine
from rasterio.windows import Window as RasterioWindow

from spark.reading.gdal import RangeFile
from spark.reading.raster import Window
from spark.reading.raw_blocks import RawBlocks

ROWS, COLS, BLOCK = 100, 150, 32
PLACE = Affine(10, 0, 399_960, 0, -10, 3_440_040)
ORDINARY = [
    {"compress": compress, "predictor": predictor, "dtype": dtype, "bigtiff": bigtiff}
    for compress in ("deflate", "zstd")
    for predictor in (1, 2)
    for dtype in ("uint8", "uint16")
    for bigtiff in ("no", "yes")
]
UNUSUAL: list[dict[str, Any]] = [
    {"compress": "lzw"},
    {"compress": None, "predictor": None},
    {"endianness": "big"},
    {"nbits": 12, "predictor": None},
    {"dtype": "int32"},
    {"dtype": "int16"},
    {"count": 2},
    {"tiled": False, "blockxsize": None, "blockysize": 8},
    {"tiled": False, "blockxsize": None, "blockysize": ROWS},
]


def pixels(dtype: str) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 250, (ROWS, COLS)).cumsum(axis=1).astype(dtype)


def painted(path: Path, values: np.ndarray | None = None, **options: Any) -> np.ndarray:
    values = pixels(options.get("dtype", "uint16")) if values is None else values
    if "nbits" in options:
        values &= 4095
    shape = {"blockxsize": BLOCK, "blockysize": BLOCK}
    given = {"predictor": 2} | shape | options
    write_options = {name: value for name, value in given.items() if value is not None}
    for name in ("blockxsize", "predictor", "compress"):
        if given.get(name, 0) is None:
            write_options[name] = {"blockxsize": COLS, "predictor": 1, "compress": "none"}[name]
    profile = {"tiled": True, "zlevel": 1, "nodata": 0, "count": 1, "dtype": values.dtype, "crs": "EPSG:32629"}
    with rasterio.open(
        path, "w", driver="GTiff", height=ROWS, width=COLS, transform=PLACE, **(profile | write_options)
    ) as file:
        for band in range(1, file.count + 1):
            file.write(values, band)
    return values


@pytest.mark.parametrize("options", ORDINARY, ids=str)
def test_ordinary_files_give_gdal_s_pixels(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    values = painted(path, **options)
    with rasterio.open(path) as file:
        raw = RawBlocks.of(file, str(path))
        assert raw is not None
        for row in range(0, ROWS, BLOCK):
            for col in range(0, COLS, BLOCK):
                for width in {min(n * BLOCK, COLS - col) for n in (1, 2, 5)}:
                    height = min(2 * BLOCK, ROWS - row)
                    # A part of a larger array, as a row of blocks is.
                    whole = np.zeros((height, width + 3), values.dtype)
                    assert raw.read(Window(row=row, col=col, height=height, width=width), whole[:, 1:-2])
                    np.testing.assert_array_equal(whole[:, 1:-2], values[row : row + height, col : col + width])
                    theirs = file.read(1, window=RasterioWindow(col, row, width, height))
                    np.testing.assert_array_equal(whole[:, 1:-2], theirs)
                    assert not whole[:, 0].any()
                    assert not whole[:, -2:].any()
        part = np.zeros((8, 8), values.dtype)
        assert not raw.read(Window(row=0, col=8, height=8, width=8), part), "no whole block"
        assert not raw.read(Window(row=0, col=0, height=8, width=8), part.astype(np.int64)), "another type"


@pytest.mark.parametrize("options", UNUSUAL, ids=str)
def test_unusual_files_are_left_to_gdal(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    painted(path, **options)
    with rasterio.open(path) as file:
        assert RawBlocks.of(file, str(path)) is None


def test_blocks_that_are_not_there_or_lie_elsewhere_are_left_to_gdal(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    sparse = np.ones((ROWS, COLS), np.uint16)
    sparse[:BLOCK, BLOCK : 2 * BLOCK] = 0
    painted(path, sparse, compress="deflate", sparse_ok=True)
    row = np.zeros((BLOCK, COLS), np.uint16)
    with rasterio.open(path) as file:
        raw = RawBlocks.of(file, str(path))
        assert raw is not None
        assert not raw.read(Window(row=0, col=0, height=BLOCK, width=COLS), row)
        assert raw.read(Window(row=BLOCK, col=0, height=BLOCK, width=COLS), row)
    # A block that is written again is longer, and lies at the end of the file.
    with rasterio.open(path, "r+") as file:
        noise = np.random.default_rng(1).integers(1, 60_000, (BLOCK, BLOCK)).astype(np.uint16)
        file.write(noise, 1, window=RasterioWindow(BLOCK, BLOCK, BLOCK, BLOCK))
        sparse[BLOCK : 2 * BLOCK, BLOCK : 2 * BLOCK] = noise
    with rasterio.open(path) as file:
        raw = RawBlocks.of(file, str(path))
        assert raw is not None
        assert not raw.read(Window(row=BLOCK, col=0, height=BLOCK, width=COLS), row)
        one = np.zeros((BLOCK, BLOCK), np.uint16)
        assert raw.read(Window(row=BLOCK, col=BLOCK, height=BLOCK, width=BLOCK), one)
        np.testing.assert_array_equal(one, noise)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    compress=st.sampled_from(["deflate", "zstd"]),
    place=st.floats(0, 1),
    damage=st.binary(min_size=1, max_size=40),
    cut=st.booleans(),
)
def test_damaged_bytes_raise_nothing(tmp_path: Path, compress: str, place: float, damage: bytes, cut: bool) -> None:
    """Deflate has checksums: what is decoded is right. Zstandard's frames have none in TIFF, for GDAL neither."""
    path = tmp_path / "a.tif"
    values = painted(path, compress=compress)
    data = bytearray(path.read_bytes())
    with rasterio.open(path) as file:
        raw = RawBlocks.of(file, str(path))
        assert raw is not None
        begin = min(int(file.get_tag_item(f"BLOCK_OFFSET_{col}_0", "TIFF", bidx=1)) for col in range(5))
        at = begin + int(place * (len(data) - begin - 1))
        path.write_bytes(data[:at] if cut else data[:at] + damage + data[at + len(damage) :])
        for row in range(0, ROWS, BLOCK):
            height = min(BLOCK, ROWS - row)
            into = np.zeros((height, COLS), np.uint16)
            if raw.read(Window(row=row, col=0, height=height, width=COLS), into) and (cut or compress == "deflate"):
                np.testing.assert_array_equal(into, values[row : row + height])


def test_a_file_that_is_not_there_has_no_bytes(tmp_path: Path) -> None:
    with RangeFile(str(tmp_path / "none.tif")) as file:
        assert file.read(0, 4) == b""
    (tmp_path / "short").write_bytes(b"abc")
    with RangeFile(str(tmp_path / "short")) as file:
        assert (file.read(1, 10), file.read(5, 1)) == (b"bc", b"")
