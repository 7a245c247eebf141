"""The settings' section that a deployment writes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from claylake.section import Section


class SecurityGroups(Section):
    """Security groups of a cluster's nodes, and of EMR's own way in."""

    primary: str
    core: str
    service_access: str


class Deployed(Section):
    """Names of what is deployed; written by the CDK app, or by the local stand-in.

    `artifacts` is the folder of one release, `release` the SHA-256 of its list of checksums; None on a
    machine whose nodes need no bootstrap. `arch` is what the release was built for, `python` the
    interpreter on the nodes.
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
    plugins_version: str | None = None
