"""Chips to measure with: rows as the embed job reads them, with pixels that compress like real ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from spark.chips import tensor
from spark.embedding.worker import INPUT

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
    start = datetime(2024, 6, 1, 10, tzinfo=UTC)
    rows = [
        {
            "id": f"chip{number}",
            "scene_id": "scene",
            "datetime": start + timedelta(hours=number),
            "geohash": "u0",
            "geometry": b"",
            "cell_id": f"cell{number}",
            "xmin": 0.0,
            "ymin": 0.0,
            "xmax": 0.0,
            "ymax": 0.0,
            "clear_frac": 1.0,
            "content_digest": digests[number % DISTINCT],
            "clay_tensor": frames[number % DISTINCT],
            "lon": 10.0 + number / 1000,
            "lat": 47.0,
        }
        for number in range(count)
    ]
    table = pa.Table.from_pylist(rows).select(list(INPUT))
    table = table.set_column(
        table.column_names.index("clear_frac"), "clear_frac", table["clear_frac"].cast(pa.float32())
    )
    found: list[pa.RecordBatch] = table.combine_chunks().to_batches(max_chunksize=ROWS)
    return found


def _paint(seed: int) -> np.ndarray:
    """Fields with a slope and noise, uint16 (band, row, col)."""
    rng = np.random.default_rng(seed)
    fields = rng.integers(300, 4000, (tensor.SHAPE[0], 8, 8)).repeat(32, axis=1).repeat(32, axis=2)
    slope = np.add.outer(np.arange(tensor.SHAPE[1]), np.arange(tensor.SHAPE[2])) / 4
    pixels: np.ndarray = np.clip(fields + slope + rng.normal(0, NOISE_DN, tensor.SHAPE), 1, 65535).astype(np.uint16)
    return pixels
