"""A stage: everything in which sandbox and production differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from claylake.vocabulary import PUBLISH_ORDER
from infra.cloud.errors import StageError

LogLevel = Literal["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"]
Days = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827]
"""Retention times that CloudWatch Logs knows."""


class Section(BaseModel):
    """Base of every section: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkConfig(Section):
    """Where Airflow and clusters live.

    Attributes:
        vpc_id: An existing VPC; None makes one. With it, `subnet_ids` and `availability_zones` of two private
            subnets in different zones that reach the internet (catalogue, packages) are needed.
        cidr: Of the new VPC.
        nat_gateways: Of the new VPC; the STAC catalogue and the package index are on the internet.
        interface_endpoints: Whether AWS APIs are reached by private endpoints rather than through NAT.
        flow_log_days: How long flow logs are kept.
    """

    vpc_id: str | None = Field(default=None, pattern=r"^vpc-[0-9a-f]{8,17}$")
    subnet_ids: tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...] = ()
    availability_zones: tuple[str, ...] = ()
    cidr: str = Field(default="10.80.0.0/16", pattern=r"^\d+\.\d+\.\d+\.\d+/\d+$")
    nat_gateways: int = Field(default=1, ge=1, le=2)
    interface_endpoints: bool = False
    flow_log_days: Days = 30

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.vpc_id is not None and not (len(self.subnet_ids) == len(self.availability_zones) == 2):
            raise ValueError("an existing VPC needs two subnet_ids (private) and their two availability_zones")
        if self.vpc_id is None and self.subnet_ids:
            raise ValueError("subnet_ids belong to an existing VPC: give its vpc_id, or leave them out")
        if len(self.availability_zones) not in {0, 2} or len(set(self.availability_zones)) == 1:
            raise ValueError("give two different availability_zones, or none for the region's first two")
        return self


class ReaderConfig(Section):
    """People or tools that read the lake, by a managed policy.

    Attributes:
        tables: Which ones; all by default.
        runs: Whether run folders, too: plans, receipts and reports.
    """

    tables: tuple[str, ...] = Field(default=PUBLISH_ORDER, min_length=1)
    runs: bool = True

    @field_validator("tables")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [table for table in value if table not in PUBLISH_ORDER]
        if unknown:
            raise ValueError(f"no such table: {', '.join(unknown)}; there are {', '.join(PUBLISH_ORDER)}")
        return value


class LakeConfig(Section):
    """Buckets, key and tables.

    Attributes:
        maintenance: ``jobs`` leaves it to the pipeline's own step; ``glue`` adds Glue's table optimizers,
            and the step then only watches them. They need the tables: deploy them after a first month.
        log_days: How long cluster and access logs are kept.
        readers: Name to what it may read; each becomes a managed policy ``<stage>-<name>-<region>``.
        key_arn: A key that an earlier deployment of the stage has left, to be used again; None: a new one is made.
    """

    maintenance: Literal["jobs", "glue"] = "jobs"
    log_days: int = Field(default=90, ge=7)
    readers: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")], ReaderConfig] = {"reader": ReaderConfig()}
    key_arn: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")


class ComputeConfig(Section):
    """What clusters are given.

    Attributes:
        in_transit: ``tls`` makes a certificate for the nodes' traffic among each other; ``nitro`` relies on the
            encryption that the network cards of the priced instance types do by themselves.
        certificate: Raise it for a new certificate.
    """

    in_transit: Literal["tls", "nitro"] = "tls"
    certificate: int = Field(default=1, ge=1)


class EncoderConfig(Section):
    """Which encoders may be deployed.

    Attributes:
        pin: ``committed`` refuses published weights that are not pinned in the repository; ``any`` only says so.
    """

    pin: Literal["committed", "any"] = "committed"


class AirflowConfig(Section):
    """The MWAA environment."""

    environment_class: Literal["mw1.micro", "mw1.small", "mw1.medium", "mw1.large", "mw1.xlarge", "mw1.2xlarge"] = (
        "mw1.small"
    )
    min_workers: int = Field(default=1, ge=1, le=25)
    max_workers: int = Field(default=2, ge=1, le=25)
    schedulers: int = Field(default=2, ge=1, le=5)
    web_access: Literal["PUBLIC_AND_PRIVATE", "PUBLIC_ONLY", "PRIVATE_ONLY"] = "PUBLIC_AND_PRIVATE"
    log_level: LogLevel = "INFO"
    log_days: Days = 90
    maintenance_window: str = Field(
        default="SUN:03:00", pattern=r"^(MON|TUE|WED|THU|FRI|SAT|SUN):([01]\d|2[0-3]):(00|30)$"
    )

    @model_validator(mode="after")
    def _sized(self) -> Self:
        if self.max_workers < self.min_workers:
            raise ValueError(f"max_workers {self.max_workers} is less than min_workers {self.min_workers}")
        if self.environment_class == "mw1.micro" and (self.max_workers, self.schedulers) != (1, 1):
            raise ValueError("mw1.micro has one worker and one scheduler: set max_workers and schedulers to 1")
        if self.environment_class != "mw1.micro" and self.schedulers < 2:
            raise ValueError(f"{self.environment_class} has at least two schedulers")
        return self


class GuardConfig(Section):
    """Who is notified of problems, and when.

    Attributes:
        emails: Subscribed to the alarms; each has to confirm once.
        budget_usd: Of a month, for the whole account.
        cluster_hours: The age of a cluster that is an alarm; None is an hour above what the settings allow.
    """

    emails: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")], ...] = ()
    budget_usd: float = Field(default=500.0, gt=0)
    cluster_hours: float | None = Field(default=None, gt=0)


class Stage(Section):
    """One deployment.

    Attributes:
        name: Begins every stack's and resource's name.
        region: None takes that of the CLI's profile. The imagery is in us-west-2.
        protect: Keep buckets, key and tables when the stacks are destroyed, and refuse their accidental deletion.
        tags: On every resource that can have them.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{2,19}$")
    region: str | None = Field(default=None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    protect: bool = True
    tags: dict[Annotated[str, Field(pattern=r"^[\w .:/=+@-]{1,128}$")], str] = {}
    network: NetworkConfig = NetworkConfig()
    lake: LakeConfig = LakeConfig()
    compute: ComputeConfig = ComputeConfig()
    encoder: EncoderConfig = EncoderConfig()
    airflow: AirflowConfig = AirflowConfig()
    guard: GuardConfig = GuardConfig()

    @field_validator("tags")
    @classmethod
    def _own(cls, value: dict[str, str]) -> dict[str, str]:
        reserved = [key for key in value if key.lower().startswith("aws:")]
        if reserved:
            raise ValueError(f"tags that begin with aws: are AWS's own, got {', '.join(reserved)}")
        return value


def read_stage(stages: object, name: str) -> Stage:
    """The stage of that name among the context's `stages`.

    Raises:
        StageError: There is none, or it has a bad key or value; each is named.
    """
    if not isinstance(stages, Mapping) or name not in stages:
        known = ", ".join(sorted(stages)) if isinstance(stages, Mapping) else "none"
        raise StageError(f"context stage={name!r} is not among the stages of cdk.json ({known}): use -c stage=<name>")
    document: Any = stages[name]
    try:
        return Stage.model_validate(document)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, problem['loc'])) or name}: {problem['msg']}" for problem in error.errors()]
        raise StageError(f"cdk.json, stage {name}: {'; '.join(lines)}") from error
