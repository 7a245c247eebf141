"""The params that a run may be given, by kind of DAG; free of Airflow.

The first non-null type of a schema chooses the widget of Airflow's form.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claylake.request.form_settings import SHARED
from claylake.request.param_spec import ParamSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ADHOC", "AOI_DAG", "SHARED", "ParamSpec"]

PLACE: Final = "Where and when"
MONTH_PATTERN: Final = r"^20\d{2}-(0[1-9]|1[0-2])$"
MONTHS_PATTERN: Final = r"^20\d{2}-(0[1-9]|1[0-2])(/20\d{2}-(0[1-9]|1[0-2]))?$"

ADHOC: Final[Mapping[str, ParamSpec]] = MappingProxyType(
    {
        "aoi": ParamSpec(
            title="AOI by name",
            description="Name of a file in dags/aois, without .geojson. Give exactly one of name, GeoJSON and bbox.",
            section=PLACE,
            schema=MappingProxyType({"type": ["string", "null"], "maxLength": 48}),
        ),
        "aoi_geojson": ParamSpec(
            title="AOI as GeoJSON",
            description="A Polygon or MultiPolygon, or Features of them, [lon, lat] degrees; properties are ignored.",
            section=PLACE,
            schema=MappingProxyType({"type": ["object", "null"]}),
        ),
        "bbox": ParamSpec(
            title="AOI as bbox",
            description="[west, south, east, north] in degrees; west > east crosses the antimeridian.",
            section=PLACE,
            schema=MappingProxyType(
                {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
            ),
        ),
        "months": ParamSpec(
            title="Month or months",
            description="yyyy-mm, or first/last as yyyy-mm/yyyy-mm (both included).",
            section=PLACE,
            schema=MappingProxyType({"type": "string", "pattern": MONTHS_PATTERN}),
            required=True,
        ),
        **SHARED,
    }
)

AOI_DAG: Final[Mapping[str, ParamSpec]] = MappingProxyType(
    {
        "month": ParamSpec(
            title="Month",
            description="yyyy-mm, for runs started by hand only; empty: the month of the run's data interval.",
            section=PLACE,
            schema=MappingProxyType({"type": ["string", "null"], "pattern": MONTH_PATTERN}),
        ),
        **SHARED,
    }
)
