"""What a worker must know to embed: a value that travels from the driver to every task."""

from __future__ import annotations

from dataclasses import dataclass

from claylake.artifacts import model_uri
from claylake.plan import Plan

CARRIED = (
    ("id", "string"),
    ("scene_id", "string"),
    ("datetime", "timestamp"),
    ("geohash", "string"),
    ("geometry", "binary"),
    ("cell_id", "string"),
    ("xmin", "double"),
    ("ymin", "double"),
    ("xmax", "double"),
    ("ymax", "double"),
    ("clear_frac", "float"),
    ("content_digest", "string"),
)
"""Columns that a vector's row repeats of its chip's."""
MADE = (
    ("global_embedding", "array<float>"),
    ("failure", "string"),
    ("precision", "string"),
    ("device", "string"),
    ("path", "string"),
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
