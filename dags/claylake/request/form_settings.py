"""The params that override settings, shared by all DAGs.

Empty (null) means "as the settings say": ``settings.yaml``, then the AOI file. So a form that is
sent untouched changes nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, get_args

from claylake.configuration.settings import Layout, Settings
from claylake.request.param_spec import ParamSpec
from claylake.vocabulary import COLLECTIONS, CONVENTIONS, KEEP, RADIOMETRIES, REPLACE

if TYPE_CHECKING:
    from collections.abc import Mapping

SELECTION: Final = "Which pixels"
SPENDING: Final = "Limits"
COMPUTE: Final = "Cluster"
MODEL: Final = "Embedding"

ALL_PASSES: Final = 0
"""What `passes_per_month` says for "every clear pass", since empty means "as the settings say"."""


def _setting(place: str, section: str, title: str, text: str, **schema: object) -> ParamSpec:
    """A param that overrides the setting at `place`, e.g. ``limits.budget_usd``; described with its default."""
    group, key = place.split(".")
    shown = _shown(getattr(getattr(Settings(), group), key))
    description = f"{text} Empty: as the settings say (built in: {shown})."
    return ParamSpec(
        title=title, description=description, section=section, schema=MappingProxyType(schema), setting=(group, key)
    )


def _shown(value: object) -> str:
    if value is None:
        return "all"
    if value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


_COUNT = ["integer", "null"]
_NUMBER = ["number", "null"]
_FRACTION: dict[str, Any] = {"type": _NUMBER, "minimum": 0, "maximum": 1}

SHARED: Final[Mapping[str, ParamSpec]] = MappingProxyType(
    {
        "max_scene_cloud": _setting(
            "selection.max_scene_cloud",
            SELECTION,
            "Most cloud of a scene (%)",
            "Scenes with more cloud by the catalogue are not read.",
            type=_NUMBER,
            minimum=0,
            maximum=100,
        ),
        "min_clear_frac": _setting(
            "selection.min_clear_frac",
            SELECTION,
            "Least clear fraction of a chip",
            "Share of a cell's pixels free of cloud, shadow and nodata, from the scene classification.",
            **_FRACTION,
        ),
        "max_nodata_frac": _setting(
            "selection.max_nodata_frac",
            SELECTION,
            "Most nodata fraction of a chip",
            "Share of a cell's pixels that the satellite did not see.",
            **_FRACTION,
        ),
        "passes_per_month": _setting(
            "selection.passes_per_month",
            SELECTION,
            "Passes per cell and month",
            f"Keep the n clearest passes of each cell and month; {ALL_PASSES} keeps every clear one.",
            type=_COUNT,
            minimum=ALL_PASSES,
            maximum=31,
        ),
        "collections": _setting(
            "selection.collections",
            SELECTION,
            "Collections, preferred first",
            "Where two collections show the same pass of a cell, the first one listed is read.",
            type=["array", "null"],
            items={"type": "string", "enum": list(COLLECTIONS)},
            uniqueItems=True,
            minItems=1,
            examples=list(COLLECTIONS),
        ),
        "radiometry": _setting(
            "catalogue.radiometry",
            SELECTION,
            "Radiometry, where it is known better",
            'By scene id or collection, e.g. {"S2B_33TWN_20220226_0_L2A": "minus_1000"}: whether 1000 is subtracted, '
            "against what flags, baselines and pixels say.",
            type=["object", "null"],
            additionalProperties={"type": "string", "enum": list(RADIOMETRIES)},
        ),
        "on_reprocessed": _setting(
            "catalogue.on_reprocessed",
            SELECTION,
            "Chips that have a newer processing",
            "keep: they stay, and the note counts them; replace: they and their vectors are made anew, of the newest "
            "baseline that meets the thresholds.",
            type=["string", "null"],
            enum=[KEEP, REPLACE, None],
            values_display={"null": "as the settings say"},
        ),
        "budget_usd": _setting(
            "limits.budget_usd",
            SPENDING,
            "Budget (USD)",
            "A run whose estimate is higher fails before any cluster starts.",
            type=_NUMBER,
            exclusiveMinimum=0,
        ),
        "max_failed_frac": _setting(
            "limits.max_failed_frac",
            SPENDING,
            "Most failed fraction",
            "Share of observations (cell and pass) that may fail; above it nothing is published.",
            **_FRACTION,
        ),
        "min_usable_frac": _setting(
            "limits.min_usable_frac",
            SPENDING,
            "Least usable fraction of scenes",
            "Share of a month's scenes in the catalogue that must be usable; below it a run fails before any cluster.",
            **_FRACTION,
        ),
        "max_cells": _setting(
            "limits.max_cells",
            SPENDING,
            "Most cells of the area",
            "A larger area is refused at once, with what it would take and how to cut it.",
            type=_COUNT,
            minimum=100,
        ),
        "dry_run": _setting(
            "limits.dry_run",
            SPENDING,
            "Dry run",
            "Plan and estimate only: no cluster, no cost.",
            type=["boolean", "null"],
        ),
        "layout": _setting(
            "cluster.layout",
            COMPUTE,
            "Cluster layout",
            "all_gpu: every worker has GPUs; split: GPU nodes join for embedding only; cpu: no GPUs.",
            type=["string", "null"],
            enum=[*get_args(Layout), None],
            values_display={"null": "as the settings say"},
        ),
        "compute": _setting(
            "cluster.compute",
            COMPUTE,
            "Choice of layout",
            "auto: the cheaper of that layout and cpu, by the estimate; the log of task gate says which, and why.",
            type=["string", "null"],
            enum=["auto", "fixed", None],
            values_display={"null": "as the settings say"},
        ),
        "gpu_count": _setting(
            "cluster.gpu_count",
            COMPUTE,
            "GPUs",
            "More finish sooner at about the same price.",
            type=_COUNT,
            minimum=1,
            maximum=64,
        ),
        "cpu_count": _setting(
            "cluster.cpu_count",
            COMPUTE,
            "CPU nodes",
            "Workers without GPUs, in layouts split and cpu.",
            type=_COUNT,
            minimum=1,
            maximum=64,
        ),
        # A switch cannot show "empty", and would appear off where the settings say on: hence a list.
        "spot": _setting(
            "cluster.spot",
            COMPUTE,
            "Spot instances",
            "Spot core nodes cost less and may be taken away; on demand is the fallback.",
            type=["string", "boolean", "null"],
            enum=["yes", "no", True, False, None],
            values_display={"true": "yes (true)", "false": "no (false)", "null": "as the settings say"},
        ),
        "keep_cluster_minutes": _setting(
            "cluster.keep_cluster_minutes",
            COMPUTE,
            "Keep the cluster (minutes)",
            "How long the cluster stays up after its work, for looking around; it costs all the while.",
            type=_COUNT,
            minimum=0,
            maximum=720,
        ),
        "model": _setting(
            "encoder.model",
            MODEL,
            "Encoder",
            "Folder name of an encoder artefact below model/ in the artefact bucket.",
            type=["string", "null"],
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        ),
        "convention": _setting(
            "encoder.convention",
            MODEL,
            "Input convention",
            "How date and place are fed to the encoder. Vectors of different conventions do not compare.",
            type=["string", "null"],
            enum=[*CONVENTIONS, None],
            values_display={"null": "as the settings say"},
        ),
    }
)
