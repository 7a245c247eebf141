"""The settings' section that a deployment writes."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from claylake.configuration.maintenance import Optimizers
from claylake.configuration.section import Section, setting

_S3 = r"^s3://[^/]+(/.*)?$"


class SecurityGroups(Section):
    """Security groups of a cluster's nodes, and of EMR's own way in."""

    primary: str = setting(..., "Of the primary node.")
    core: str = setting(..., "Of core and task nodes.")
    service_access: str = setting(..., "Of EMR's own way in.")


class Deployed(Section):
    """Names of what is deployed; written by the CDK app, or by the local stand-in."""

    region: str = setting(..., "AWS region of the lake and its clusters.")
    stage: str | None = setting(
        None, "Name of the deployment, which tags its clusters; null where there is one only (the stand-in)."
    )
    lake: str = setting(..., "Address of the lake: its tables and run folders.", pattern=_S3)
    database: str = setting("claylake", "Glue database of the tables.", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    artifacts: str = setting(..., "Folder of one release: all that nodes load.", pattern=_S3)
    release: str | None = setting(
        None,
        "SHA-256 of the release's list of checksums; null where nodes need no bootstrap (the stand-in).",
        pattern=r"^[0-9a-f]{64}$",
    )
    arch: Literal["cuda", "cpu"] | None = setting(None, "What the release was built for: nodes with GPUs, or without.")
    log_uri: str = setting(..., "Where EMR puts the clusters' logs.", pattern=_S3)
    release_label: str = setting("emr-7.14.0", "EMR's release.")
    service_role: str = setting(..., "EMR's role.")
    instance_profile: str = setting(..., "Instance profile of the nodes.")
    subnet_ids: tuple[str, ...] = setting(..., "Subnets in which EMR may start a cluster.", min_length=1)
    security_configuration: str | None = setting(None, "EMR's security configuration: encryption.")
    security_groups: SecurityGroups | None = setting(None, "Security groups of the nodes.")
    python: str = setting("/opt/claylake/python/bin/python", "Python interpreter on the nodes.")
    maintenance: Literal["jobs", "glue"] = setting(
        "jobs", "Who maintains the tables: the run's own step (`jobs`), or Glue's optimizers (`glue`)."
    )
    optimizers: Optimizers | None = setting(None, "Limits of Glue's optimizers, where they maintain the tables.")
    plugins_version: str | None = setting(None, "Version of the plugins that were deployed with it.")

    @model_validator(mode="after")
    def _maintained_once(self) -> Self:
        if (self.maintenance == "glue") != (self.optimizers is not None):
            given = "without" if self.optimizers is None else "with"
            msg = (
                f"maintenance {self.maintenance} {given} optimizers: glue needs their limits, jobs has none; "
                "both are written by the deployment (lake.maintenance in cdk.json), deploy again"
            )
            raise ValueError(msg)
        return self
