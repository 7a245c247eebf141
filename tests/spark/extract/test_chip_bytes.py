from __future__ import annotations

import io

import blosc2
import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from claylake.area.grid import Cell
from spark.chips import preview, tensor

CELL = Cell(epsg=32733, col=195, row=3320)


@pytest.fixture
def pixels() -> np.ndarray:
    smooth = np.add.outer(np.arange(256), np.arange(256)).astype(np.uint16)
    return np.stack([smooth * 4 + 100 * band for band in range(10)]).astype(np.uint16)


def test_a_tensor_comes_back_bit_by_bit(pixels: np.ndarray) -> None:
    frame = tensor.encode(pixels)
    assert isinstance(frame, bytes)
    got = blosc2.ndarray_from_cframe(frame)[:]
    assert got.dtype == np.uint16
    np.testing.assert_array_equal(got, pixels)
    np.testing.assert_array_equal(tensor.decode(frame), pixels)


@pytest.mark.parametrize("wrong", [np.zeros((10, 256, 255), np.uint16), np.zeros((10, 256, 256), np.int32)])
def test_another_shape_or_type_is_no_chip(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a chip is uint16"):
        tensor.encode(wrong)


def test_digest_is_of_the_pixels(pixels: np.ndarray) -> None:
    assert tensor.digest(np.zeros(tensor.SHAPE, np.uint16)) == "d4c6389bfe79fdc0888941e1b42a3cc5"
    assert tensor.digest(pixels) == tensor.digest(pixels.copy())
    assert tensor.digest(pixels) == tensor.digest(np.asfortranarray(pixels))
    assert len(tensor.digest(pixels)) == 32
    assert tensor.digest(pixels) != tensor.digest(pixels[::-1])


def test_the_picture_lies_on_its_cell(pixels: np.ndarray) -> None:
    data = preview.geotiff(pixels, CELL)
    with MemoryFile(data) as memory, memory.open() as picture:
        assert picture.crs.to_epsg() == 32733
        assert tuple(picture.bounds) == CELL.bounds
        assert picture.shape == (256, 256)
        assert picture.dtypes == ("uint8",) * 3
        assert picture.compression == rasterio.enums.Compression.jpeg
        assert picture.colorinterp[0] == rasterio.enums.ColorInterp.red
        got = picture.read().astype(int)
    assert np.abs(got - preview.rgb(pixels)).mean() < 2
    assert Image.open(io.BytesIO(data)).size == (256, 256)


@pytest.mark.parametrize(("epsg", "col", "row"), [(32601, 70, 0), (32660, 300, 3640), (32701, 64, 1), (32760, 0, 3905)])
def test_the_file_is_what_gdal_would_write(pixels: np.ndarray, epsg: int, col: int, row: int) -> None:
    """Same place, CRS, layout and tags; the same pixels but for what two encoders of JPEG make of colours."""
    cell = Cell(epsg=epsg, col=col, row=row)
    west, _, _, north = cell.bounds
    profile = {
        "driver": "GTiff",
        "width": 256,
        "height": 256,
        "count": 3,
        "dtype": "uint8",
        "crs": f"EPSG:{epsg}",
        "transform": Affine(10, 0, west, 0, -10, north),
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "jpeg",
        "photometric": "ycbcr",
        "jpeg_quality": preview.QUALITY,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(preview.rgb(pixels))
        with memory.open() as theirs, MemoryFile(preview.geotiff(pixels, cell)) as other, other.open() as ours:
            assert ours.profile == theirs.profile
            assert ours.crs.to_wkt() == theirs.crs.to_wkt()
            assert ours.bounds == theirs.bounds
            assert ours.tags() == theirs.tags()
            assert ours.colorinterp == theirs.colorinterp
            assert np.abs(ours.read().astype(int) - theirs.read()).max() <= 3


def test_a_picture_stays_near_its_pixels_at_sharp_edges() -> None:
    chessboard = np.kron(np.indices((16, 16)).sum(axis=0) % 2, np.ones((16, 16), int)) * 3000
    pixels = np.broadcast_to(chessboard.astype(np.uint16), tensor.SHAPE)
    with MemoryFile(preview.geotiff(pixels, CELL)) as memory, memory.open() as picture:
        assert np.abs(picture.read().astype(int) - preview.rgb(pixels)).max() <= 2


def test_rgb_is_scaled_in_integers() -> None:
    pixels = np.zeros(tensor.SHAPE, np.uint16)
    pixels[2, 0, :4] = [3000, 65535, 1500, 11]
    pixels[0, 0, 0] = 3000
    got = preview.rgb(pixels)
    assert got[0, 0, :4].tolist() == [255, 255, 127, 0]
    assert got[1, 0, 0] == 0
    assert got[2, 0, 0] == 255
