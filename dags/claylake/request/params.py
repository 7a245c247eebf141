"""A run's params, checked and resolved to an AOI, months and overrides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from claylake.area.aoi import Aoi
from claylake.errors import BadInputError
from claylake.month import Month, parse_months, require_observed
from claylake.nearest import hint
from claylake.request.form import ADHOC, AOI_DAG, SHARED, ParamSpec
from claylake.request.form_settings import ALL_PASSES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["ADHOC", "AOI_DAG", "SHARED", "ParamSpec", "Request", "resolve"]

WITH_INTERVAL = ("scheduled", "backfill")
"""Run types whose month is their data interval's, and nothing else."""
_AREA_PARAMS = ("aoi", "aoi_geojson", "bbox")
_EMPTY: tuple[object, ...] = ("", [], {})
"""An area param with one of these values counts as not given."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one run is to do.

    `months` are contiguous, in order. `overrides` is a partial settings document: the layer ``params``.
    """

    aoi: Aoi
    months: tuple[Month, ...]
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)


def resolve(
    params: Mapping[str, Any],
    *,
    aois: Mapping[str, Aoi],
    aoi: Aoi | None,
    run_type: str,
    interval_start: datetime | None,
) -> Request:
    """Turn a DAG run's params into a request.

    Args:
        params: the run's params; null means not given.
        aois: every AOI file, by name.
        aoi: the AOI of an AOI DAG; None for the ad-hoc DAG.
        run_type: Airflow's: ``scheduled``, ``backfill``, ``manual`` ...
        interval_start: start of the data interval, or None where the run has none.

    Raises:
        BadInputError: for unknown params, none or several areas, and missing or misplaced months, or months before
            Sentinel-2.
    """
    _refuse_unknown(params, ADHOC if aoi is None else AOI_DAG)
    given = {name: value for name, value in params.items() if value is not None}
    overrides = _overrides(given)
    if aoi is not None:
        month = _month(given.get("month"), run_type, interval_start)
        require_observed(month)
        return Request(aoi=aoi, months=(month,), overrides=overrides)
    if not given.get("months"):
        msg = "param months is missing: give yyyy-mm, or yyyy-mm/yyyy-mm for several"
        raise BadInputError(msg)
    months = parse_months(_text("months", given["months"]))
    require_observed(*months)
    return Request(aoi=_area(given, aois), months=months, overrides=overrides)


def _refuse_unknown(params: Mapping[str, Any], specs: Mapping[str, ParamSpec]) -> None:
    for name in params:
        if name not in specs:
            msg = f"unknown param {name!r}: {hint(name, specs)}allowed are {', '.join(specs)}"
            raise BadInputError(msg)


def _month(text: object, run_type: str, interval_start: datetime | None) -> Month:
    if text is not None:
        if run_type in WITH_INTERVAL:
            msg = f"param month is for runs started by hand; a {run_type} run takes its data interval: leave it empty"
            raise BadInputError(msg)
        return Month.parse(_text("month", text))
    if interval_start is None:
        msg = "the run has no data interval and no month: trigger it again with param month, e.g. 2024-07"
        raise BadInputError(msg)
    return Month.of(interval_start)


def _area(given: Mapping[str, Any], aois: Mapping[str, Aoi]) -> Aoi:
    chosen = [param for param in _AREA_PARAMS if given.get(param) is not None and given[param] not in _EMPTY]
    if len(chosen) != 1:
        what = f"given are {', '.join(chosen)}" if chosen else "none is given"
        msg = f"the area: {what}; give exactly one of {', '.join(_AREA_PARAMS)}"
        raise BadInputError(msg)
    param, value = chosen[0], given[chosen[0]]
    try:
        if param == "aoi_geojson":
            return Aoi.from_geojson(None, value)
        if param == "bbox":
            return Aoi.from_bbox(_numbers(value))
    except BadInputError as error:
        msg = f"param {param}: {error}"
        raise BadInputError(msg) from error
    name = _text(param, value, "the name of an AOI file")
    if name not in aois:
        known = ", ".join(sorted(aois)) or "none: the aois folder is empty"
        msg = f"param aoi: no AOI file is called {name!r}; there are {known}"
        raise BadInputError(msg)
    return aois[name]


def _numbers(value: object) -> list[float]:
    if not isinstance(value, list | tuple):
        msg = f"{value!r} is not a list: give [west, south, east, north] in degrees"
        raise BadInputError(msg)
    return list(value)


def _text(name: str, value: object, example: str = "e.g. 2024-07") -> str:
    if not isinstance(value, str):
        msg = f"param {name}: {value!r} is a {type(value).__name__}; write it as text, {example}"
        raise BadInputError(msg)
    return value


def _overrides(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The params that are settings, as a partial settings document."""
    document: dict[str, dict[str, Any]] = {}
    for name, spec in SHARED.items():
        if name in given and spec.setting is not None:
            section, key = spec.setting
            document.setdefault(section, {})[key] = _as_setting(name, given[name])
    return document


def _as_setting(name: str, value: object) -> object:
    """The value as the settings have it."""
    if name == "passes_per_month" and value == ALL_PASSES and not isinstance(value, bool):
        return None
    if name == "spot":
        return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value
    return value
