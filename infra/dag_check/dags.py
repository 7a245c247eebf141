"""The DAGs that Airflow makes of AOI files and settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.dag_check.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """Import errors by DAG file, and what is wrong with each DAG, by its id; nothing of one that is well."""

    imports: Mapping[str, str]
    dags: Mapping[str, list[str]]


def parse_dags(aois: Path, settings: Path | None, home: Path) -> Parsed:
    """Parse the DAG files with these AOI files and settings, without a deployment and without a database.

    Args:
        aois: folder of the AOI files.
        settings: the file; None for the built-in values.
        home: an empty folder, for Airflow and for the copies that it reads.

    Raises:
        CheckError: Airflow ended without a result.
    """
    folder, result = home / "dags", home / "parsed.json"
    folder.mkdir()
    for path in (ROOT / "dags").glob("*.py"):
        shutil.copyfile(path, folder / path.name)
    if settings is not None:
        shutil.copyfile(settings, folder / "settings.yaml")
    (home / "deployed.json").write_text("{}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "infra.dag_check.parse", str(folder), str(result)],
        env=_environment(aois.resolve(), home), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        msg = f"Airflow ended while it parsed the DAGs; run make setup, and check what it says:\n{done.stderr[-2000:]}"
        raise CheckError(msg)
    return Parsed(**json.loads(result.read_text(encoding="utf-8")))


def _environment(aois: Path, home: Path) -> dict[str, str]:
    """Of an Airflow with our DAGs and plugins, and without the user's own configuration."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "CLAYLAKE", "_AIRFLOW"))
    }
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "dags", ROOT / "plugins", ROOT))),
        "CLAYLAKE_AOIS": str(aois),
        "CLAYLAKE_DEPLOYED": str(home / "deployed.json"),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
