"""Columns of embedding: what a vector's row takes from its chip's, and what is added."""

from __future__ import annotations

from claylake.vocabulary import CHIPS
from spark.lake.columns import Columns
from spark.lake.tables import TABLES

CARRIED = TABLES[CHIPS].columns.only(
    "id",
    "scene_id",
    "datetime",
    "geohash",
    "geometry",
    "cell_id",
    "xmin",
    "ymin",
    "xmax",
    "ymax",
    "clear_frac",
    "content_digest",
)
"""Columns that a vector's row repeats of its chip's."""
MADE = Columns(
    {
        "global_embedding": "array<float>",
        "failure": "string",
        "precision": "string",
        "device": "string",
        "path": "string",
    }
)
"""Columns that embedding adds: a vector or the reason why there is none; in which precision, where and how computed."""
INPUT = (*CARRIED.names, "clay_tensor", "lon", "lat")
"""Names of the columns that a worker is given."""
OUTPUT = CARRIED + MADE
"""Columns that a worker returns."""
