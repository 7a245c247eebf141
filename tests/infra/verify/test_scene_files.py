"""The verifier's own reading: pixels that encode their coordinates, places against the product's cells, hrefs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from infra.verify.errors import UnreadableError
from infra.verify.rules import BANDS
from infra.verify.scene_files import CellFiles, Source, address, read

FINE = ("blue", "green", "red", "nir")
WEST, NORTH, SIDE = 156 * 2560 - 620, 1344 * 2560 + 1240, 6_000


def numbers(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return ((x * 3 + y * 7 + len(key)) % 50_000 + 1).astype(np.uint16)


def write(path: Path, pixels: np.ndarray, pixel_m: int, west: int = WEST) -> None:
    profile = {
        "driver": "GTiff",
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "count": 1,
        "dtype": pixels.dtype,
    }
    place = {"crs": "EPSG:32629", "transform": Affine(pixel_m, 0, west, 0, -pixel_m, NORTH)}
    with rasterio.open(path, "w", **profile, **place) as file:
        file.write(pixels, 1)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    hrefs = {}
    for key in (*BANDS, "scl"):
        pixel_m = 10 if key in FINE else 20
        count = SIDE // pixel_m
        x, y = WEST // pixel_m + np.arange(count)[None], NORTH // pixel_m - 1 - np.arange(count)[:, None]
        path = tmp_path / f"{key} {pixel_m}.tif"
        write(path, (numbers(key, x, y) % 12).astype(np.uint8) if key == "scl" else numbers(key, x, y), pixel_m)
        hrefs[key] = path.as_uri()
    return Source(id="s", collection="c", baseline=None, flag=None, datetime="2020-02-04T11:30:00Z", hrefs=hrefs)


@pytest.mark.parametrize("place", [(156, 1343), (155, 1343), (157, 1342), (158, 1344), (10, 10)])
def test_pixels_come_from_their_cell_and_are_0_beyond_the_file(source: Source, place: tuple[int, int]) -> None:
    cell = read(source, [place])[place]
    assert isinstance(cell, CellFiles)
    for number, key in enumerate(BANDS):
        pixel_m = 10 if key in FINE else 20
        # The pixel of each of 256 x 256 points, by their coordinates.
        x = (place[0] * 2560 + 5 + 10 * np.arange(256)[None]) // pixel_m
        y = ((place[1] + 1) * 2560 - 5 - 10 * np.arange(256)[:, None]) // pixel_m
        inside = (
            (x * pixel_m >= WEST) & (x * pixel_m < WEST + SIDE) & (y * pixel_m < NORTH) & (y * pixel_m >= NORTH - SIDE)
        )
        np.testing.assert_array_equal(cell.raw[number], np.where(inside, numbers(key, x, y), 0))
    assert cell.scl.shape == (128, 128)


def test_what_cannot_be_read_is_said_of_each_cell(source: Source) -> None:
    places = [(156, 1343), (157, 1343)]
    missing = {key: href for key, href in source.hrefs.items() if key != "nir08"}
    found = read(Source(**(vars(source) | {"hrefs": missing})), places)
    assert all(isinstance(cell, UnreadableError) and "nir08" in str(cell) for cell in found.values())
    Path(address(source.hrefs["scl"])).write_bytes(b"no file")
    assert all(isinstance(cell, UnreadableError) and "scl" in str(cell) for cell in read(source, places).values())


def test_files_off_the_grid_or_of_another_type_are_not_read(source: Source) -> None:
    path = Path(address(source.hrefs["red"]))
    write(path, np.ones((600, 600), np.uint16), 10, WEST + 5)
    (cell,) = read(source, [(156, 1343)]).values()
    assert isinstance(cell, UnreadableError)
    assert "edges do not fall between pixels" in str(cell)
    for pixels, words in (
        (np.full((600, 600), 0.5, np.float32), "red holds float32 from 0.5 to 0.5"),
        (np.full((600, 600), -9999, np.int16), "red holds int16 from -9999"),
        (np.full((600, 600), 65_536, np.uint32), "red holds uint32 from 65536 to 65536"),
    ):
        write(path, pixels, 10)
        (cell,) = read(source, [(156, 1343)]).values()
        assert isinstance(cell, UnreadableError)
        assert words in str(cell)
    write(path, np.full((600, 600), 7, np.int32), 10)
    (cell,) = read(source, [(156, 1343)]).values()
    assert isinstance(cell, CellFiles)
    assert cell.raw[2].max() == 7


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("file:///data/a%20b.tif", "/data/a b.tif"),
        ("file://localhost/data/a.tif", "/data/a.tif"),
        ("/data/a#b.tif", "/data/a#b.tif"),
        ("https://example.org/a.tif?sig=x%2F#part", "https://example.org/a.tif?sig=x%2F"),
        ("https://example.org/a b.tif", "https://example.org/a%20b.tif"),
        ("s3://bucket/a.tif", "s3://bucket/a.tif"),
    ],
)
def test_addresses(href: str, expected: str) -> None:
    assert address(href) == expected
