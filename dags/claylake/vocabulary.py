"""Names that several rooms must spell alike: tables, files, bands, SCL codes, states, outcomes."""

from __future__ import annotations

from typing import Final

PIPELINE: Final = "claylake"
CATALOG: Final = "lake"

CHIPS: Final = "chips"
EMBEDDINGS: Final = "embeddings"
OBSERVATIONS: Final = "observations"
CHANGES: Final = "changes"
SCENES: Final = "scenes"
PUBLISH_ORDER: Final = (CHIPS, EMBEDDINGS, OBSERVATIONS, CHANGES, SCENES)
"""Scenes come last: a published `done` row is what lets a later plan leave a scene out."""
OPTIMIZER_KINDS: Final = ("compaction", "retention", "orphan_file_deletion")
"""Glue's names of what its table optimizers do."""

BANDS: Final = (
    "blue",
    "green",
    "red",
    "rededge1",
    "rededge2",
    "rededge3",
    "nir",
    "nir08",
    "swir16",
    "swir22",
)
"""Clay's order; also the asset keys of Earth Search items."""
BANDS_10M: Final = ("blue", "green", "red", "nir")
SCL_ASSET: Final = "scl"
ASSETS: Final = (*BANDS, SCL_ASSET)

CHIP_PX: Final = 256
PIXEL_M: Final = 10
CELL_M: Final = CHIP_PX * PIXEL_M
CELL_KM2: Final = (CELL_M / 1000) ** 2

SCL_NODATA: Final = 0
SCL_HIGHEST: Final = 11
SCL_SHADOW: Final = (3,)
SCL_WATER: Final = (6,)
SCL_CLOUD: Final = (8, 9, 10)
SCL_SNOW: Final = (11,)
SCL_NOT_CLEAR: Final = (0, 1, 3, 8, 9, 10)
"""Classes of Sen2Cor's scene classification (Sentinel-2 L2A product definition)."""

COLLECTION_C1: Final = "sentinel-2-c1-l2a"
COLLECTION_L2A: Final = "sentinel-2-l2a"
COLLECTIONS: Final = (COLLECTION_C1, COLLECTION_L2A)
AS_PUBLISHED: Final = "as_published"
MINUS_1000: Final = "minus_1000"
RADIOMETRIES: Final = (AS_PUBLISHED, MINUS_1000)
"""What is done to a scene's digital numbers."""
KEEP: Final = "keep"
REPLACE: Final = "replace"
ON_REPROCESSED: Final = "on_reprocessed"
"""What becomes of a chip whose pass has a scene of a newer baseline by now, `KEEP` or `REPLACE`: a setting, and a key
of the evidence of scenes that were done under `REPLACE`."""
CONVENTIONS: Final = ("tutorial", "training", "blank")

EXTRACT: Final = "extract"
EMBED: Final = "embed"
PUBLISH: Final = "publish"
MAINTAIN: Final = "maintain"
STEPS: Final = (EXTRACT, EMBED, PUBLISH, MAINTAIN)

SCENE_DONE: Final = "done"
SCENE_PARTIAL: Final = "partial"
SCENE_FAILED: Final = "failed"
SCENE_QUARANTINED: Final = "quarantined"
SCENE_STATES: Final = (SCENE_DONE, SCENE_PARTIAL, SCENE_FAILED, SCENE_QUARANTINED)
"""Of a row of the scenes table. A later plan leaves out scenes that are done."""

OUTCOME_CHIP: Final = "chip"
REJECTED: Final = "rejected:"
FAILED: Final = "failed:"
