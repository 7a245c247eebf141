"""What a worker must know to embed: a value that travels from the driver to every task."""

from __future__ import annotations

from dataclasses import dataclass

from claylake.plan import Plan
from claylake.release import model_uri
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


@dataclass(frozen=True, kw_only=True)
class Work:
    """Which encoder, how, and with how much of the machine.

    `model` is the URI of the artefact's folder; `batch_size` None lets each worker find its own; `threads` are torch's,
    per worker.
    """

    model: str
    model_version: str
    convention: str
    precision: str
    batch_size: int | None
    threads: int

    @classmethod
    def of(cls, plan: Plan, threads: int) -> Work:
        """The work of a plan."""
        encoder = plan.settings.encoder
        return cls(
            model=model_uri(plan.deployed, encoder.model),
            model_version=plan.model_version,
            convention=encoder.convention,
            precision=encoder.precision,
            batch_size=encoder.batch_size,
            threads=threads,
        )
