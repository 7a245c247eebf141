"""Seconds of the processor that parsing takes by number of AOI files, beyond Airflow's own imports: `make bench-parse`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.plugins.airflow_home import ROOT, SQUARE, environment

SIZES = (1, 50, 200, 1000)
MEASURE = """
import json, os, sys, time
from pathlib import Path
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.sdk import DAG, Param, task
from airflow.providers.standard.decorators import python, short_circuit
import airflow.triggers.base, airflow.timetables.base

def bag(file):
    path = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    begun = time.process_time()
    found = BundleDagBag(dag_folder=str(path / file), bundle_path=path, bundle_name="dags-folder")
    assert not found.import_errors, found.import_errors
    return found, time.process_time() - begun

if sys.argv[1:]:
    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = sys.argv[1]
found, monthly = bag("claylake_monthly.py")
begun = time.process_time()
for dag in found.dags.values():
    DagSerialization.to_dict(dag)
stored = time.process_time() - begun
print(json.dumps({"dags": len(found.dags), "monthly": monthly, "stored": stored, "check": bag("claylake_aoi_check.py")[1]}))
"""


def write_areas(folder: Path, areas: int) -> None:
    """As many AOI files, each of the same square."""
    folder.mkdir()
    for number in range(areas):
        (folder / f"area{number:04d}.geojson").write_text(json.dumps(SQUARE))


def measured(areas: int, *dag_id: str) -> dict:
    """Seconds of a new process, of all DAGs or of one."""
    with tempfile.TemporaryDirectory(prefix="claylake-parse-") as made:
        home = Path(made)
        write_areas(home / "aois", areas)
        (home / "deployed.json").write_text("{}")
        env = {**os.environ, **environment(home), "PYTHONPATH": f"{ROOT / 'dags'}:{ROOT / 'plugins'}"}
        command = [sys.executable, "-W", "ignore", "-c", MEASURE, *dag_id]
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print a row for each size; the better of two processes, since other work only slows one down."""
    print(
        "| AOIs | s, all DAGs | of it s for each AOI | s, a task's DAG | s, claylake_aoi_check | s, Airflow serialising all |"
    )
    print("|---|---|---|---|---|---|")
    for areas in SIZES:
        whole = min((measured(areas) for _ in range(2)), key=lambda each: each["monthly"])
        one = min((measured(areas, "claylake__area0000") for _ in range(2)), key=lambda each: each["monthly"])
        assert (whole["dags"], one["dags"]) == (areas + 1, 1)
        row = (whole["monthly"], whole["monthly"] / areas, one["monthly"], whole["check"], whole["stored"])
        print(f"| {areas:,} | {row[0]:.2f} | {row[1]:.4f} | {row[2]:.2f} | {row[3]:.2f} | {row[4]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
