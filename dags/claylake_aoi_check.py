"""Reports AOI files that cannot be used: this file then fails to import, and Airflow's UI shows why.

The file makes no DAG. It stands apart from `claylake_monthly`, because a DAG file that fails loses
all its DAGs, and one bad AOI must not stop the others.
"""

from __future__ import annotations

from pathlib import Path

from claylake import compatibility

compatibility.require_environment()  # a missing package is no fault of an AOI file

from claylake.errors import BadInputError
from claylake.request.aoi_files import list_aois

problems = list_aois(Path(__file__).resolve().parent).problems
if problems:
    raise BadInputError("; ".join(f"AOI file {name}: {why}" for name, why in problems.items()))
