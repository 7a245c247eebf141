"""Chips to measure with: rows as the embed job reads them, with pixels that compress like real ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spark.chips import tensor
from spark.embedding.columns import INPUT

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 64
"""Rows per Arrow batch, as `spark.session` sets them."""
NOISE_DN = 3.0
"""Standard deviation of the noise: a chip then takes 0.47 MB, about as real pixels do."""
DISTINCT = 32
"""Chips that are really painted; the others repeat them."""


def batches(count: int) -> list[pa.RecordBatch]:
    """`count` chips in Arrow batches with the columns of `INPUT`."""
    import pyarrow as pa

    painted = [_paint(number) for number in range(min(count, DISTINCT))]
    frames = [tensor.encode(pixels) for pixels in painted]
    digests = [tensor.digest(pixels) for pixels in painted]
    start, numbers = datetime(2024, 6, 1, 10, tzinfo=UTC), range(count)
    columns: dict[str, list[Any] | pa.Array[Any]] = {
        "id": [f"chip{number}" for number in numbers],
        "scene_id": ["scene"] * count,
        "datetime": [start + timedelta(hours=number) for number in numbers],
        "geohash": ["u0"] * count,
        "geometry": [b""] * count,
        "cell_id": [f"cell{number}" for number in numbers],
        "xmin": [0.0] * count,
        "ymin": [0.0] * count,
        "xmax": [0.0] * count,
        "ymax": [0.0] * count,
        "clear_frac": pa.array([1.0] * count, pa.float32()),
        "content_digest": [digests[number % DISTINCT] for number in numbers],
        "clay_tensor": [frames[number % DISTINCT] for number in numbers],
        "lon": [10.0 + number / 1000 for number in numbers],
        "lat": [47.0] * count,
    }
    table = pa.table({name: columns[name] for name in INPUT})
    found: list[pa.RecordBatch] = table.to_batches(max_chunksize=ROWS)
    return found


def _paint(seed: int) -> NDArray[np.uint16]:
    """Fields with a slope and noise, uint16 (band, row, col)."""
    rng = np.random.default_rng(seed)
    fields = rng.integers(300, 4000, (tensor.SHAPE[0], 8, 8)).repeat(32, axis=1).repeat(32, axis=2)
    slope = np.add.outer(np.arange(tensor.SHAPE[1]), np.arange(tensor.SHAPE[2])) / 4
    return np.clip(fields + slope + rng.normal(0, NOISE_DN, tensor.SHAPE), 1, 65535).astype(np.uint16)
