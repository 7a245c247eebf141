"""What DAGs must know of a deployment: the content of ``deployed.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claylake.compatibility import PLUGINS_VERSION
from infra.cloud.constructs.lake import CLUSTER_LOGS
from infra.cloud.naming import ACCOUNT, REGION, Names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claylake.configuration.maintenance import Retention
    from infra.cloud.dist import Dist


def deployed_settings(
    *,
    names: Names,
    dist: Dist,
    subnet_ids: Sequence[str],
    groups: Mapping[str, str],
    security: str,
    optimized: Retention | None,
) -> dict[str, Any]:
    """Partial settings of `claylake.configuration.settings`; values may be references that CloudFormation fills in.

    Args:
        names: Of the deployment.
        dist: The build.
        subnet_ids: Where clusters may be.
        groups: Security groups of primary, core and service_access.
        security: Name of the security configuration.
        optimized: Limits of Glue's optimizers; None where there are none.
    """
    document: dict[str, Any] = {
        "deployed": {
            "region": REGION,
            "stage": names.stage,
            "lake": f"s3://{names.lake}",
            "database": names.database,
            "artifacts": f"s3://{names.lake}/{dist.prefix}",
            "release": dist.release,
            "arch": dist.arch,
            "log_uri": f"s3://{names.logs}/{CLUSTER_LOGS.rstrip('/')}",
            "service_role": names.service_role,
            "instance_profile": names.instance_role,
            "subnet_ids": list(subnet_ids),
            "security_groups": dict(groups),
            "security_configuration": security,
            # Said in both cases, so that no other layer of the settings can say otherwise.
            "maintenance": "jobs" if optimized is None else "glue",
            "plugins_version": PLUGINS_VERSION,
        }
    }
    if optimized is not None:
        document["deployed"]["optimizers"] = {"catalog_id": ACCOUNT, **optimized.model_dump()}
    if dist.arch == "cpu":
        document["cluster"] = {"layout": "cpu"}
    if len(dist.models) == 1:
        # There is no other to choose.
        document["encoder"] = {"model": dist.models[0]}
    return document
