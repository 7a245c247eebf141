"""A generated scene of any size, as COGs laid out like Earth Search's: deflate with predictor 2, blocks of 1,024 px."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from claylake.catalogue.scene import Asset, Scene
from claylake.vocabulary import BANDS, BANDS_10M, CELL_M, SCL_ASSET, SCL_HIGHEST
from spark.reading.strips import CellIndex

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE_PX = 10_980
"""Of a full tile, at 10 m."""
EPSG, WEST, NORTH = 32629, 399_960, 3_440_040
BLOCK_PX = 1_024
NOISE_DN = 6.0
"""Standard deviation of the noise: chips then take about as many bytes as real ones do."""
_FIELD_PX = 32
_DOCUMENT = "scene.json"


def scene(folder: Path, side: int = SIDE_PX) -> Scene:
    """The scene in a folder, by whole addresses of its files; painted if it is not there.

    Args:
        folder: for its files.
        side: pixels at 10 m, even.
    """
    folder = folder.absolute()
    document = folder / _DOCUMENT
    if document.is_file():
        found = Scene.model_validate_json(document.read_text())
        red = found.assets["red"]
        if red.shape == (side, side) and red.href.startswith(f"{folder}/"):
            return found
    folder.mkdir(parents=True, exist_ok=True)
    assets = {key: _asset(folder, key, number, side) for number, key in enumerate((*BANDS, SCL_ASSET))}
    painted = Scene(
        id="S2A_T29RMP_20200219T112111_L2A",
        collection="sentinel-2-c1-l2a",
        pass_id="S2A_20200219T112111",  # noqa: S106 - an overflight
        datetime=datetime(2020, 2, 19, 11, 34, 25, tzinfo=UTC),
        updated="2023-06-01T00:00:00Z",
        platform="sentinel-2a",
        baseline="05.00",
        cloud_cover=1.0,
        boa_offset_applied=None,
        sequence="0",
        epsg=EPSG,
        assets=assets,
        footprint={"type": "Polygon", "coordinates": [[(-10, 31), (-9, 31), (-9, 30), (-10, 30), (-10, 31)]]},
    )
    document.write_text(painted.model_dump_json())
    return painted


def cells(side: int = SIDE_PX, most: int | None = None) -> list[CellIndex]:
    """Cells that lie in the scene as a whole, in reading order.

    Args:
        side: of the scene, pixels at 10 m.
        most: so many at most; all if not given.
    """
    first_col, last_col = -(-WEST // CELL_M), (WEST + side * 10) // CELL_M
    first_row, last_row = -(-(NORTH - side * 10) // CELL_M), NORTH // CELL_M
    found = [
        CellIndex(col=col, row=row)
        for row in range(last_row - 1, first_row - 1, -1)
        for col in range(first_col, last_col)
    ]
    return found[:most]


def _asset(folder: Path, key: str, number: int, side: int) -> Asset:
    pixel_m = 10 if key in BANDS_10M else 20
    pixels = _classes(side // 2) if key == SCL_ASSET else _band(side * 10 // pixel_m, number)
    transform = (float(pixel_m), 0.0, float(WEST), 0.0, float(-pixel_m), float(NORTH))
    path = folder / f"{key}.tif"
    _write(path, pixels, transform)
    return Asset(href=str(path), transform=transform, shape=pixels.shape)


def _band(side: int, seed: int) -> NDArray[np.uint16]:
    """Fields with a slope and noise; each row of blocks is the first one, moved."""
    random = np.random.default_rng(seed)
    fields = random.integers(300, 4000, (-(-BLOCK_PX // _FIELD_PX), -(-side // _FIELD_PX)))
    slope = np.add.outer(np.arange(BLOCK_PX), np.arange(side) % BLOCK_PX) / 4
    row = fields.repeat(_FIELD_PX, axis=0).repeat(_FIELD_PX, axis=1)[:BLOCK_PX, :side] + slope
    row = np.clip(row + random.normal(0, NOISE_DN, row.shape), 1, 65_535).astype(np.uint16)
    return np.concatenate([np.roll(row, 997 * start, axis=1) for start in range(-(-side // BLOCK_PX))])[:side]


def _classes(side: int) -> NDArray[np.uint8]:
    """Fields of one class each."""
    random = np.random.default_rng(side)
    fields = random.integers(1, SCL_HIGHEST + 1, (-(-side // _FIELD_PX),) * 2, dtype=np.uint8)
    return fields.repeat(_FIELD_PX, axis=0).repeat(_FIELD_PX, axis=1)[:side, :side]


def _write(path: Path, pixels: NDArray[Any], transform: tuple[float, ...]) -> None:
    from rasterio.io import MemoryFile
    from rasterio.shutil import copy
    from rasterio.transform import Affine

    profile = {
        "driver": "GTiff",
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "count": 1,
        "dtype": pixels.dtype,
        "nodata": 0,
        "crs": f"EPSG:{EPSG}",
        "transform": Affine(*transform),
    }
    options = {"compress": "DEFLATE", "predictor": "YES", "blocksize": BLOCK_PX, "num_threads": "ALL_CPUS"}
    with MemoryFile() as memory:
        with memory.open(**profile) as draft:
            draft.write(pixels, 1)
        copy(memory.name, path, driver="COG", overview_resampling="nearest", **options)
