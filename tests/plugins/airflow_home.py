"""Airflow for the tests of DAGs and plugins: a home of its own, set before anything imports Airflow."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SQUARE = {
    "type": "Feature",
    "properties": {"schedule": {"start_month": "2024-05", "settle_days": 7}},
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[-9.25, 38.68], [-9.2, 38.68], [-9.2, 38.72], [-9.25, 38.72], [-9.25, 38.68]]],
    },
}
THIRD_PARTY = (
    # Airflow 3.3.1 reads .airflowignore through a name that pathspec has renamed.
    "ignore:GitWildMatchPattern:DeprecationWarning",
    # amazon 9.34.0 still asks Airflow for hooks in the old way.
    "ignore:ProvidersManager.hooks is deprecated",
)
"""Warnings that only Airflow and its provider can mend."""


def prepare() -> Path:
    """Once in a process: the home, with one AOI in it."""
    if "CLAYLAKE_TEST_HOME" not in os.environ:
        home = Path(tempfile.mkdtemp(prefix="claylake-airflow-"))
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        (home / "aois").mkdir()
        (home / "aois" / "lisbon.geojson").write_text(json.dumps(SQUARE))
        (home / "deployed.json").write_text("{}")
        os.environ |= environment(home)
    return Path(os.environ["CLAYLAKE_TEST_HOME"])


def environment(home: Path) -> dict[str, str]:
    """Variables of an Airflow that knows the repository's DAGs and plugins, and nobody's own configuration."""
    return {
        "CLAYLAKE_TEST_HOME": str(home),
        "CLAYLAKE_AOIS": str(home / "aois"),
        "CLAYLAKE_POLL_SECONDS": "0.05",
        "CLAYLAKE_DEPLOYED": str(home / "deployed.json"),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
