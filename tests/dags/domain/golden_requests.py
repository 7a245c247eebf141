"""The requests that EMR gets in each layout, kept as JSON beside this file and compared exactly.

    PYTHONPATH=dags:. .venv/airflow/bin/python -m tests.dags.domain.golden_requests

writes them anew; then read the difference line by line, and change docs/cluster.md with it.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from claylake.cluster import job_flow
from claylake.cluster.estimate import Workload
from claylake.cluster.layout_choice import cheapest
from claylake.configuration.settings import assemble
from claylake.plan import Found, Plan, RunRef
from claylake.vocabulary import STEPS

FOLDER = Path(__file__).parent / "golden"
LAYOUTS = ("all_gpu", "split", "cpu")
NOW = datetime(2024, 8, 11, 12, 0, tzinfo=UTC)
LAKE = "s3://claylake-lake-111122223333"
DEPLOYED = {
    "region": "us-west-2",
    "lake": LAKE,
    "artifacts": f"{LAKE}/artifacts/0123456789ab",
    "release": "0123456789ab" + "0" * 52,
    "log_uri": "s3://claylake-logs-111122223333/emr",
    "service_role": "claylake-emr-service",
    "instance_profile": "claylake-emr-nodes",
    "subnet_ids": ["subnet-0aa", "subnet-0bb"],
    "security_configuration": "claylake-encrypted",
    "security_groups": {"primary": "sg-0primary", "core": "sg-0core", "service_access": "sg-0service"},
}


def plan(layout: str) -> Plan:
    """10,000 km2 in one month, on two GPUs or three CPU nodes."""
    size = {"layout": layout, "gpu_count": 2, "cpu_count": 3}
    settings = assemble(
        {"deployed.json": {"deployed": DEPLOYED}, "params": {"cluster": size, "encoder": {"precision": "bf16"}}}
    )
    return Plan(
        run=RunRef(dag_id="claylake__town", run_id="scheduled__2024-07"),
        aoi_name="town",
        aoi_geometry={},
        months=("2024-07",),
        folder=f"{LAKE}/runs/claylake__town/2024-07/scheduled__2024-07",
        work="full",
        cells=1600,
        cells_digest="c" * 16,
        selection_digest="5" * 16,
        missing_vectors=0,
        found=Found(items=48, too_cloudy=8, kept=40),
        estimate=cheapest(Workload(scenes=40, cells=1600, candidates=12_800, chips=6400, vectors=6400), settings),
        model_version="clay-v1.5+0123456789ab",
        settings=settings,
    )


def requests(layout: str) -> dict[str, object]:
    """Arguments by API call; AddInstanceFleet only where it is called."""
    made = plan(layout)
    steps = [job_flow.step(made, name) for name in STEPS]
    found = {"RunJobFlow": job_flow.request(made, NOW), "AddJobFlowSteps": {"JobFlowId": "j-1", "Steps": steps}}
    fleet = job_flow.gpu_fleet(made)
    return found if fleet is None else {**found, "AddInstanceFleet": {"ClusterId": "j-1", "InstanceFleet": fleet}}


def text(layout: str) -> str:
    """As it lies in the file."""
    return json.dumps(requests(layout), indent=2) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in LAYOUTS:
        (FOLDER / f"{each}.json").write_text(text(each))
        sys.stdout.write(f"wrote {each}.json\n")
