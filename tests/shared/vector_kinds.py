"""Kinds of vectors whose names try to get out of a condition, and the rows that a right condition selects of them."""

from __future__ import annotations

from itertools import product

from claylake.vector_kind import VectorKind

VERSIONS = ("clay-v1.5+0123456789ab", "it's", "a\\", "\\' OR '1'='1", '"', "${spark.app.name}", "é\n", "")
CONVENTIONS = ("tutorial", "training", "' OR 1=1 --", "%", "")
KINDS = tuple(
    VectorKind(model_version=version, convention=convention) for version, convention in product(VERSIONS, CONVENTIONS)
)
ROWS = [{"model_version": kind.model_version, "convention": kind.convention} for kind in KINDS] + [
    {"model_version": None, "convention": "tutorial"},
    {"model_version": "it's", "convention": None},
]


def selected(kind: VectorKind) -> list[dict[str, str]]:
    """The rows of `ROWS` that are of a kind."""
    return [row for row in ROWS if (row["model_version"], row["convention"]) == (kind.model_version, kind.convention)]
