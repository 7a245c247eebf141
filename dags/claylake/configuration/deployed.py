"""The settings' section that a deployment writes."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from claylake.configuration.maintenance import Optimizers
from claylake.configuration.section import Section


class SecurityGroups(Section):
    """Security groups of a cluster's nodes, and of EMR's own way in."""

    primary: str
    core: str
    service_access: str


class Deployed(Section):
    """Names of what is deployed; written by the CDK app, or by the local stand-in.

    `artifacts` is the folder of one release, `release` the SHA-256 of its list of checksums; None on a
    machine whose nodes need no bootstrap. `arch` is what the release was built for, `python` the
    interpreter on the nodes. `maintenance` says who maintains the tables: the run's own step (``jobs``), or
    Glue's optimizers, which `optimizers` then describes.
    """

    region: str
    lake: str = Field(pattern=r"^s3://[^/]+(/.*)?$")
    database: str = Field(default="claylake", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    artifacts: str = Field(pattern=r"^s3://[^/]+(/.*)?$")
    release: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    arch: Literal["cuda", "cpu"] | None = None
    log_uri: str = Field(pattern=r"^s3://[^/]+(/.*)?$")
    release_label: str = "emr-7.14.0"
    service_role: str
    instance_profile: str
    subnet_ids: tuple[str, ...] = Field(min_length=1)
    security_configuration: str | None = None
    security_groups: SecurityGroups | None = None
    python: str = "/opt/claylake/python/bin/python"
    maintenance: Literal["jobs", "glue"] = "jobs"
    optimizers: Optimizers | None = None
    plugins_version: str | None = None

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
