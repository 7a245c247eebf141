"""The settings that a deployment passes to the DAGs, for the local stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.options import DATABASE, LAKE_BUCKET, REGION

if TYPE_CHECKING:
    from pathlib import Path

LAKE = f"s3://{LAKE_BUCKET}"
DEMO_MODEL = "demo-random"


def deployed_settings(*, stac_url: str, python: Path, model: str = DEMO_MODEL) -> dict[str, Any]:
    """Partial settings with the names of the local stack's resources.

    Args:
        stac_url: Address of the STAC API.
        python: Python that the steps' workers run.
        model: The encoder to embed with.
    """
    role = "arn:aws:iam::123456789012"
    return {
        "catalogue": {"url": stac_url},
        "encoder": {"model": model},
        "schedule": {"retry_delay_s": 2},
        # This machine has no GPU; in other layouts its CPU stands in for one.
        "cluster": {"layout": "cpu"},
        "deployed": {
            "region": REGION,
            "lake": LAKE,
            "database": DATABASE,
            "artifacts": f"{LAKE}/artifacts",
            "log_uri": f"{LAKE}/logs",
            "release_label": "emr-7.14.0",
            "service_role": f"{role}:role/claylake-local-service",
            "instance_profile": f"{role}:instance-profile/claylake-local-instance",
            "subnet_ids": ["subnet-local"],
            "python": str(python),
            "maintenance": "jobs",
        },
    }
