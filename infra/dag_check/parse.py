"""Let Airflow load the DAG files of a folder: ``python -m infra.dag_check.parse <folder> <file for the result>``.

The one module of `infra` that imports Airflow. It runs in a process of its own, whose environment names the AOI files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def parse(folder: Path) -> dict[str, dict[str, Any]]:
    """Import errors by file, and what is wrong with each DAG by its id."""
    from airflow.dag_processing.dagbag import BundleDagBag

    bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="dags-folder")
    return {
        "imports": {Path(file).name: why.strip().splitlines()[-1] for file, why in bag.import_errors.items()},
        "dags": {name: list(_faults(dag)) for name, dag in bag.dags.items()},
    }


def _faults(dag: Any) -> Iterator[str]:
    """Beyond what Airflow checks as it loads a DAG, schedules among it."""
    from airflow.sdk.exceptions import AirflowException
    from airflow.serialization.serialized_objects import DagSerialization

    for name in dag.params:
        param = dag.params.get_param(name)
        try:
            if param.has_value:
                param.resolve()
        except (AirflowException, ValueError) as error:
            yield f"param {name}: {error}"
    try:
        DagSerialization.validate_schema(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    except (AirflowException, TypeError, ValueError) as error:
        yield f"Airflow cannot store it: {error}"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(parse(Path(sys.argv[1]))), encoding="utf-8")
