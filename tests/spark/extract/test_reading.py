from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

from claylake.area.grid import Cell
from claylake.catalogue.scene import Scene
from claylake.vocabulary import BANDS, BANDS_10M, CHIP_PX
from spark.reading import scene as scene_module
from spark.reading.errors import MisalignedError, MissingAssetError, UnreadableError
from spark.reading.raster import Raster, Window
from spark.reading.scene import CellPixels, Unread, read_cells
from spark.reading.strips import CellIndex, strips
from tests.spark.extract.imagery import Sheet, coordinates, paint, write

SAHARA = Path(__file__).resolve().parents[4] / "shared/data/sahara"
ZONES = [32601, 32629, 32632, 32660, 32701, 32733, 32760]
CORNERS = st.tuples(
    st.sampled_from(ZONES),
    st.integers(min_value=100_000 // 20, max_value=700_000 // 20),
    st.integers(min_value=60_000 // 20, max_value=9_900_000 // 20),
)


def places_around(sheet: Sheet) -> list[CellIndex]:
    """Every cell that touches a sheet, and one beyond on each side."""
    west, north = (
        Cell.at(sheet.epsg, sheet.west, sheet.north),
        Cell.at(sheet.epsg, sheet.west, sheet.north - sheet.side),
    )
    east = Cell.at(sheet.epsg, sheet.west + sheet.side, sheet.north)
    return [
        CellIndex(col=col, row=row)
        for col in range(west.col - 1, east.col + 2)
        for row in range(north.row - 1, west.row + 2)
    ]


def expected(key: str, place: CellIndex, sheet: Sheet) -> np.ndarray:
    """A cell's pixels at 10 m by arithmetic on the grid alone."""
    pixel_m = 10 if key in BANDS_10M else 20
    count = 2560 // pixel_m
    x = place.col * count + np.arange(count)[None, :]
    y = (place.row + 1) * count - 1 - np.arange(count)[:, None]
    first_x, last_y = sheet.west // pixel_m, sheet.north // pixel_m - 1
    side = sheet.side // pixel_m
    inside = (x >= first_x) & (x < first_x + side) & (y <= last_y) & (y > last_y - side)
    cells = np.where(inside, coordinates(key, x, y), 0).astype(np.uint16)
    return np.kron(cells, np.ones((CHIP_PX // count,) * 2, dtype=np.uint16))


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(corner=CORNERS)
def test_pixels_come_from_exactly_their_cell(tmp_path: Path, corner: tuple[int, int, int]) -> None:
    epsg, west, north = corner
    sheet = Sheet(epsg=epsg, west=west * 20, north=north * 20, side=3_600)
    scene = paint(tmp_path, sheet)
    wanted = places_around(sheet)
    got = list(read_cells(scene, wanted))
    assert sorted(part.index for part in got) == sorted(wanted)
    for part in got:
        assert isinstance(part, CellPixels)
        assert part.raw.shape == (10, 256, 256)
        assert part.raw.dtype == np.uint16
        for number, key in enumerate(BANDS):
            np.testing.assert_array_equal(part.raw[number], expected(key, part.index, sheet))


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # rasterio 1.4 with affine 3
def test_windows_agree_with_rasterio(tmp_path: Path) -> None:
    sheet = Sheet(epsg=32733, west=499_980, north=8_500_040, side=6_000)
    scene = paint(tmp_path, sheet)
    for part in read_cells(scene, places_around(sheet)):
        west, south, east, north = Cell(epsg=sheet.epsg, col=part.index.col, row=part.index.row).bounds
        for number, key in enumerate(BANDS):
            with rasterio.open(scene.assets[key].href) as file:
                window = rasterio.windows.from_bounds(west, south, east, north, file.transform)
                oracle = file.read(1, window=window, boundless=True, fill_value=0, out_shape=(256, 256))
            np.testing.assert_array_equal(part.raw[number], oracle)


@pytest.mark.parametrize(
    ("key", "shift"),
    [("red", (5, 0)), ("red", (0, 5)), ("swir16", (5, 0)), ("swir16", (0, 5)), ("swir16", (10, 0)), ("scl", (0, 10))],
)
def test_a_file_off_the_grid_is_refused(tmp_path: Path, key: str, shift: tuple[int, int]) -> None:
    pixel_m = 10 if key in BANDS_10M else 20
    sheet = Sheet()
    scene = paint(tmp_path, sheet)
    pixels = np.ones((sheet.side // pixel_m,) * 2, np.uint16)
    moved = Affine(pixel_m, 0, sheet.west + shift[0], 0, -pixel_m, sheet.north + shift[1])
    write(Path(scene.assets[key].href), pixels, sheet.epsg, moved)
    with pytest.raises(MisalignedError, match="no multiple of the pixel"):
        next(read_cells(scene, [CellIndex(col=156, row=1342)]))


def test_a_file_that_is_not_the_item_s_is_refused(tmp_path: Path) -> None:
    sheet = Sheet()
    scene = paint(tmp_path, sheet)
    pixels = np.ones((600, 600), np.uint16)
    write(Path(scene.assets["red"].href), pixels, sheet.epsg, Affine(10, 0, sheet.west + 20, 0, -10, sheet.north))
    with pytest.raises(MisalignedError, match=r"red: .*red.tif: transform .* as the item says"):
        next(read_cells(scene, [CellIndex(col=156, row=1342)]))
    write(Path(scene.assets["red"].href), pixels, sheet.epsg + 1, Affine(10, 0, sheet.west, 0, -10, sheet.north))
    with pytest.raises(MisalignedError, match="EPSG:32630"):
        next(read_cells(scene, [CellIndex(col=156, row=1342)]))


@pytest.mark.parametrize(
    "transform",
    [
        (10.0, 0.1, 0.0, 0.0, -10.0, 0.0),
        (10.0, 0.0, 0.0, 0.0, -20.0, 0.0),
        (10.0, 0.0, 0.5, 0.0, -10.0, 0.0),
        (30.0, 0.0, 0.0, 0.0, -30.0, 0.0),
        (-10.0, 0.0, 0.0, 0.0, 10.0, 0.0),
    ],
)
def test_rasters_that_no_cell_fits_are_refused(transform: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"transform|corner"):
        Raster.of(epsg=32629, transform=transform, shape=(10, 10))


def test_a_missing_asset_and_a_missing_file_have_their_reasons(tmp_path: Path) -> None:
    scene = paint(tmp_path)
    lacking = scene.model_copy(update={"assets": {k: v for k, v in scene.assets.items() if k != "nir08"}})
    with pytest.raises(MissingAssetError, match="nir08") as caught:
        next(read_cells(lacking, [CellIndex(col=156, row=1342)]))
    assert caught.value.reason == "missing_asset"
    Path(scene.assets["green"].href).unlink()
    with pytest.raises(UnreadableError, match="green"):
        next(read_cells(scene, [CellIndex(col=156, row=1342)]))


def broken_block(scene: Scene, key: str, row: int, col: int) -> None:
    """Overwrite one block of a file with rubbish."""
    path = Path(scene.assets[key].href)
    with rasterio.open(path) as file:
        offset, size = (
            int(file.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=1)) for what in ("OFFSET", "SIZE")
        )
    data = bytearray(path.read_bytes())
    data[offset : offset + size] = b"\xff" * size
    path.write_bytes(data)


def test_a_bad_block_costs_only_its_cells(tmp_path: Path) -> None:
    sheet = Sheet(west=156 * 2560, north=1344 * 2560, side=4 * 2560)
    scene = paint(tmp_path, sheet)
    broken_block(scene, "red", 1, 2)
    wanted = [CellIndex(col=156 + x, row=1343 - y) for x in range(4) for y in range(4)]
    got = {part.index: part for part in read_cells(scene, wanted)}
    assert set(got) == set(wanted)
    lost = {place for place, part in got.items() if isinstance(part, Unread)}
    assert lost == {CellIndex(col=158, row=1342)}
    assert got[CellIndex(col=158, row=1342)].error.reason == "unreadable"


def test_a_dead_file_is_not_tried_cell_by_cell_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Sheet(west=156 * 2560, north=1344 * 2560, side=4 * 2560)
    scene = paint(tmp_path, sheet)
    for row in range(4):
        for col in range(4):
            broken_block(scene, "red", row, col)
    monkeypatch.setattr(scene_module, "GIVE_UP_AFTER", 4)
    tries = []
    original = scene_module._cells
    monkeypatch.setattr(scene_module, "_cells", lambda strip, *rest: tries.append(strip) or original(strip, *rest))
    got = list(read_cells(scene, [CellIndex(col=156 + x, row=1343 - y) for x in range(4) for y in range(4)]))
    assert len(got) == 16
    assert all(isinstance(part, Unread) for part in got)
    assert len(tries) == 1 + 4 + 3


@given(st.sets(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), max_size=60), st.integers(1, 6))
def test_strips_hold_each_place_once(pairs: set[tuple[int, int]], longest: int) -> None:
    places = {CellIndex(col=col, row=row) for col, row in pairs}
    made = list(strips(places, longest))
    assert sorted(place for strip in made for place in strip.indices) == sorted(places)
    assert all(1 <= strip.cells <= longest for strip in made)
    assert [strip.row for strip in made] == sorted((strip.row for strip in made), reverse=True)


def test_each_block_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells across the edges of blocks: one read for each row of blocks of a file, and no pixel twice."""
    sheet = Sheet(west=156 * 2560 - 1280, north=1344 * 2560 + 1280, side=5 * 2560)
    scene = paint(tmp_path, sheet)
    from spark.reading.band import Band

    reads: dict[str, list[Window]] = defaultdict(list)
    original = Band._read
    monkeypatch.setattr(Band, "_read", lambda self, *part: reads[self.key].append(part[0]) or original(self, *part))
    wanted = [CellIndex(col=156 + x, row=1343 - y) for x in range(4) for y in range(4)]
    assert len(list(read_cells(scene, wanted))) == 16
    for key, windows in reads.items():
        side = sheet.side // (10 if key in BANDS_10M else 20)
        seen = np.zeros((side, side), int)
        for window in windows:
            seen[window.row : window.row + window.height, window.col : window.col + window.width] += 1
        assert seen.max() == 1, key
        assert len(windows) == -(-side // 256), key


def test_reads_over_http_are_few_and_counted(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    import threading
    from functools import partial
    from http.server import ThreadingHTTPServer

    from spark.reading.gdal import environment, traffic
    from tests.spark.extract.ranges import RangeHandler

    sheet = Sheet(west=156 * 2560, north=1344 * 2560, side=4 * 2560)
    scene = paint(tmp_path, sheet)
    served: list[tuple[str, int]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(RangeHandler, folder=tmp_path, served=served))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    request.addfinalizer(thread.join)
    request.addfinalizer(server.server_close)
    request.addfinalizer(server.shutdown)
    root = f"http://127.0.0.1:{server.server_port}"
    remote = scene.model_copy(
        update={
            "assets": {
                key: asset.model_copy(update={"href": asset.href.replace(str(tmp_path), root)})
                for key, asset in scene.assets.items()
            }
        }
    )
    wanted = [CellIndex(col=156 + x, row=1343 - y) for x in range(4) for y in range(4)]
    with environment():
        before = traffic()
        over_http = {part.index: part for part in read_cells(remote, wanted)}
        spent = traffic() - before
    for part in read_cells(scene, wanted):
        np.testing.assert_array_equal(over_http[part.index].raw, part.raw)
    assert spent.requests == len(served)
    assert spent.downloaded == sum(size for _, size in served)
    files = sum(Path(asset.href).stat().st_size for asset in scene.assets.values())
    assert spent.downloaded < 1.6 * files + 11 * 32_768
    assert len(served) <= 11 * (2 + 4), served


@pytest.mark.skipif(not SAHARA.is_dir(), reason="no shared/data/sahara on this machine")
def test_both_publications_of_one_scene_give_identical_chips() -> None:
    from spark.chips.tensor import digest
    from spark.sentinel2.radiometry import decide_radiometry, harmonise

    digests = []
    for name in ("S2A_29RKH_20200219_0_L2A", "S2A_T29RKH_20200219T112111_L2A"):
        scene = Scene.from_item(json.loads((SAHARA / f"{name}.json").read_text()))
        assets = {k: a.model_copy(update={"href": str(SAHARA / a.href)}) for k, a in scene.assets.items()}
        scene = scene.model_copy(update={"assets": assets})
        cells = [CellIndex(col=col, row=row) for col in range(78, 83) for row in range(1089, 1094)]
        digests.append(
            {
                part.index: digest(harmonise(part.raw, decide_radiometry(scene).radiometry))
                for part in read_cells(scene, cells)
            }
        )
    assert len(set(digests[0].values())) >= 9
    assert digests[0] == digests[1]


def test_twins_painted_with_and_without_offset_give_identical_chips(tmp_path: Path) -> None:
    from spark.sentinel2.radiometry import decide_radiometry, harmonise

    def dark(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        values = coordinates(key, x, y)
        return values if key == "scl" else values % 3000 + 1

    def lifted(key: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return dark(key, x, y) if key == "scl" else dark(key, x, y) + 1000

    plain = paint(tmp_path, paint=dark, id="plain", collection="sentinel-2-l2a", baseline="02.14")
    offset = paint(tmp_path, paint=lifted, id="offset")
    cells = places_around(Sheet())
    for one, other in zip(read_cells(plain, cells), read_cells(offset, cells), strict=True):
        np.testing.assert_array_equal(
            harmonise(one.raw, decide_radiometry(plain).radiometry),
            harmonise(other.raw, decide_radiometry(offset).radiometry),
        )
