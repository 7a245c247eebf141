"""The named checks of a branch, as SQL that selects offending rows.

They see four views of the run's cells and months on its branch: `audit_chips` (no blobs),
`audit_vectors` (with `usable` instead of the vector), `audit_observations` (observations) and
`audit_scenes`; `audit_published_chips`, `audit_published_vectors` and
`audit_published_observations`, the keys that main has; and `audit_sample`, a sample of chips with
`reason` set where the pixels are not what the row says. What another run has published half, and
what main holds for other reasons, does not count against this run.
Names are shown to people and kept in publish.json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake import sql
from claylake.vocabulary import (
    CHIPS,
    EMBEDDINGS,
    FAILED,
    OBSERVATIONS,
    OUTCOME_CHIP,
    REJECTED,
    SCENE_STATES,
    SCL_HIGHEST,
)
from spark.lake.sample import UNFILLED
from spark.lake.tables import FRACTIONS, SECOND_SCENE, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from claylake.vector_kind import VectorKind

UNHELD = ("clay_tensor", "geotiff", "global_embedding")
"""Blobs and vectors: the views leave them out; a sample and the column `usable` stand for them."""
_WHOLE = 1.0001
"""Classes are disjoint, so their fractions are 1 at most; the rest is for rounding to float."""
_MAY_BE_NULL = ("baseline", "scl_mean", "scene_id", SECOND_SCENE, "detail", *FRACTIONS)
"""Columns that observations may leave empty, and the baseline, which an item may lack."""


def checks(start: datetime, end: datetime) -> dict[str, str]:
    """Check name to SQL, for months from `start` until `end` (UTC, exclusive)."""
    return {
        "chip_ids_unique": _twice("audit_chips", TABLES[CHIPS].key),
        "vector_keys_unique": _twice("audit_vectors", TABLES[EMBEDDINGS].key),
        "observation_keys_unique": _twice("audit_observations", TABLES[OBSERVATIONS].key),
        "observed_chip_exists": (
            "SELECT 1 FROM (SELECT * FROM audit_observations o LEFT ANTI JOIN audit_chips c "
            f"ON c.cell_id = o.cell_id AND c.pass = o.pass WHERE o.outcome = {sql.string(OUTCOME_CHIP)}) o "
            "LEFT ANTI JOIN audit_published_observations p ON p.cell_id = o.cell_id AND p.pass = o.pass"
        ),
        "published_chip_stays": ("SELECT 1 FROM audit_published_chips p LEFT ANTI JOIN audit_chips c ON c.id = p.id"),
        "vector_has_chip": without_chip("audit_vectors", "audit_chips", "audit_published_vectors"),
        "chip_is_observed": (
            "SELECT 1 FROM (SELECT * FROM audit_chips c LEFT ANTI JOIN audit_observations o "
            f"ON c.cell_id = o.cell_id AND c.pass = o.pass AND o.outcome = {sql.string(OUTCOME_CHIP)}) c "
            "LEFT ANTI JOIN audit_published_chips p ON p.id = c.id"
        ),
        "chip_has_the_data_of_its_row": (
            "SELECT 1 FROM audit_sample s LEFT ANTI JOIN (SELECT p.id FROM audit_published_chips p JOIN audit_chips c "
            "ON c.id = p.id AND c.content_digest = p.content_digest) p ON p.id = s.id "
            f"WHERE s.reason = {sql.string(UNFILLED)}"
        ),
    } | {
        name: f"SELECT 1 FROM {view} WHERE {condition}"
        for view, conditions in of_rows(start, end).items()
        for name, condition in conditions.items()
    }


def of_rows(start: datetime, end: datetime) -> dict[str, dict[str, str]]:
    """The checks that look at one row at a time: view, check name, condition of an offending row.

    One pass over a view answers all of its own.
    """
    known = f"^({OUTCOME_CHIP}|{REJECTED}.+|{FAILED}.+)$"
    first, last = map(sql.timestamp, (start, end))
    return {
        "audit_chips": {
            "chip_columns_filled": _null(CHIPS, ("baseline", SECOND_SCENE)),
            "chip_id_is_cell_and_pass": "NOT id <=> concat(cell_id, '_', pass)",
            "chip_fractions_in_0_1": " OR ".join(f"{name} IS NULL OR NOT {name} BETWEEN 0 AND 1" for name in FRACTIONS),
            "chip_fractions_add_up": (
                f"nodata_frac + cloud_frac + shadow_frac + clear_frac > {_WHOLE} OR "
                f"snow_frac + water_frac > clear_frac + {_WHOLE} - 1 OR NOT scl_mean BETWEEN 1 AND {SCL_HIGHEST}"
            ),
            "chip_halves_differ": f"{SECOND_SCENE} = scene_id",
            "chip_digest_is_32_hex": "NOT content_digest RLIKE '^[0-9a-f]{32}$'",
            "chip_datetime_in_months": (f"datetime < {first} - INTERVAL 1 DAY OR datetime >= {last} + INTERVAL 1 DAY"),
        },
        "audit_sample": {"chip_digest_is_of_its_pixels": f"reason <> {sql.string(UNFILLED)}"},
        "audit_vectors": {
            "vector_columns_filled": _null(EMBEDDINGS, ("clear_frac",)),
            "vector_has_1024_finite_values": "NOT usable",
        },
        "audit_observations": {
            "observation_columns_filled": _null(OBSERVATIONS, _MAY_BE_NULL),
            "observation_outcome_known": f"NOT outcome RLIKE {sql.string(known)}",
        },
        "audit_scenes": {"scene_status_known": f"NOT {sql.is_in('status', SCENE_STATES)}"},
    }


def without_vector(kind: VectorKind) -> str:
    """Chips that have no vector of a kind."""
    vectors = f"SELECT id, content_digest FROM audit_vectors WHERE {kind.condition()}"
    return f"SELECT 1 FROM audit_chips LEFT ANTI JOIN ({vectors}) USING (id, content_digest)"


def without_chip(vectors: str, chips: str, published: str) -> str:
    """Keys of vectors of pixels that are not those of their chip.

    Either the table has other pixels under the chip's id, or it has no such chip and main does not have the vector.
    Published vectors without a chip are of months whose chips are no longer kept.

    Args:
        vectors: view of the vectors.
        chips: view of the chips.
        published: view of the vectors that main has.
    """
    key = TABLES[EMBEDDINGS].key
    same = " AND ".join(f"p.{column} = v.{column}" for column in map(sql.name, key))
    return (
        f"SELECT {sql.names(key, 'v')} FROM {vectors} v WHERE NOT EXISTS "
        f"(SELECT 1 FROM {chips} c WHERE c.id = v.id AND c.content_digest = v.content_digest) AND "
        f"(EXISTS (SELECT 1 FROM {chips} c WHERE c.id = v.id) OR NOT EXISTS (SELECT 1 FROM {published} p WHERE {same}))"
    )


def _twice(view: str, key: Sequence[str]) -> str:
    return f"SELECT 1 FROM {view} GROUP BY {sql.names(key)} HAVING count(*) > 1"


def _null(table: str, allowed: Sequence[str]) -> str:
    names = TABLES[table].columns.without(*allowed, *UNHELD).names
    return " OR ".join(f"{sql.name(name)} IS NULL" for name in names)
