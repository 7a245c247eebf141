"""Names and tags by which a run's cluster and steps are found again, so that none is made twice."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from claylake.vocabulary import PIPELINE

if TYPE_CHECKING:
    from claylake.plan import Plan

TAG_PIPELINE: Final = "claylake:pipeline"
TAG_STAGE: Final = "claylake:deployment"
"""Without it, Airflow's role of a deployment may not touch a cluster."""
TAG_DAG_ID: Final = "claylake:dag_id"
TAG_RUN_ID: Final = "claylake:run_id"
TAG_AOI: Final = "claylake:aoi"
TAG_MAX_UNTIL: Final = "claylake:max-until"
TAG_LENGTH: Final = 256


def run_digest(plan: Plan) -> str:
    """Ten hex digits that name the DAG run."""
    return hashlib.sha256(f"{plan.run.dag_id}\n{plan.run.run_id}".encode()).hexdigest()[:10]


def name(plan: Plan) -> str:
    """The cluster's name: the same for every attempt of a run, and of no other run."""
    return f"{PIPELINE} {plan.aoi_name} {plan.months[0]} {run_digest(plan)}"


def tags(plan: Plan) -> dict[str, str]:
    """Tags by which the cluster is found again."""
    values = {
        TAG_PIPELINE: PIPELINE,
        TAG_DAG_ID: plan.run.dag_id,
        TAG_RUN_ID: plan.run.run_id,
        TAG_AOI: plan.aoi_name,
    }
    if plan.deployed.stage is not None:
        values[TAG_STAGE] = plan.deployed.stage
    return {key: value[:TAG_LENGTH] for key, value in values.items()}


def step_name(plan: Plan, step: str) -> str:
    """The name of one of the run's steps: the same for every attempt of a run, and of no other run."""
    return f"{PIPELINE} {step} {run_digest(plan)}"
