"""The stacks of a deployment, five where the network is new. They only compose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Environment, Stack, Tags
from constructs import Construct

from infra.cloud.constructs.alarms import Alarms, budget
from infra.cloud.constructs.certificate import Certificate
from infra.cloud.constructs.cluster_age import ClusterAge
from infra.cloud.constructs.compute import Groups, Roles, security_configuration
from infra.cloud.constructs.dashboard import dashboard
from infra.cloud.constructs.delivery import Courier, archive, staged
from infra.cloud.constructs.environment import DAGS
from infra.cloud.constructs.environment import Environment as Airflow
from infra.cloud.constructs.failures import Failures
from infra.cloud.constructs.lake import Lake
from infra.cloud.constructs.network import Network, existing
from infra.cloud.constructs.optimizers import Optimizers
from infra.cloud.constructs.readers import Readers
from infra.cloud.deployed import deployed_settings
from infra.cloud.dist import CONSTRAINTS, MWAA, PLUGINS, REQUIREMENTS
from infra.cloud.naming import PIPELINE, PIPELINE_TAG, STAGE_TAG, Names

if TYPE_CHECKING:
    from claylake.configuration.maintenance import Retention
    from claylake.configuration.settings import Settings
    from infra.cloud.config import Stage
    from infra.cloud.constructs.network import Subnets
    from infra.cloud.dist import Dist


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a deployment is made from.

    Attributes:
        stage: Its arguments.
        dist: The build.
        settings: Of the DAGs folder; Glue's optimizers follow its limits, alarms its longest life of a cluster.
    """

    stage: Stage
    dist: Dist
    settings: Settings

    @property
    def names(self) -> Names:
        """Names of its resources."""
        return Names(self.stage.name)

    @property
    def optimized(self) -> Retention | None:
        """Limits of Glue's optimizers where these maintain the tables; None leaves it to the pipeline's own step.

        Optimizers, the nodes' role and ``deployed.json`` all follow from here, so they cannot disagree.
        """
        return self.settings.maintenance.retention if self.stage.lake.maintenance == "glue" else None

    @property
    def alarming_hours(self) -> float:
        """Age of a cluster, in hours, that no run can need."""
        cluster = self.settings.cluster
        return self.stage.guard.cluster_hours or cluster.max_hours + cluster.keep_cluster_minutes / 60 + 1


class _Stack(Stack):
    """A stack of the stage's region, with its tags, protected where the stage is."""

    def __init__(self, scope: Construct, parts: Parts, what: str, about: str) -> None:
        stage = parts.stage
        super().__init__(
            scope,
            f"{stage.name}-{what}",
            description=f"claylake {stage.name}: {about}",
            env=Environment(region=stage.region) if stage.region else None,
            termination_protection=stage.protect,
        )
        for key, value in {PIPELINE_TAG: PIPELINE, STAGE_TAG: stage.name, **stage.tags}.items():
            Tags.of(self).add(key, value)


class NetworkStack(_Stack):
    """Subnets, ways out, endpoints."""

    def __init__(self, scope: Construct, parts: Parts) -> None:
        super().__init__(scope, parts, "network", "subnets and endpoints")
        self.subnets = Network(self, "Network", config=parts.stage.network).subnets


class LakeStack(_Stack):
    """Key, buckets, database, and Glue's optimizers where they are wanted."""

    def __init__(self, scope: Construct, parts: Parts) -> None:
        super().__init__(scope, parts, "lake", "buckets, key, database")
        self.lake = Lake(self, "Lake", stage=parts.stage, names=parts.names)
        if parts.optimized is not None:
            Optimizers(self, "Optimizers", names=parts.names, key_arn=self.lake.key.key_arn, limits=parts.optimized)
        readers = parts.stage.lake.readers
        Readers(self, "Readers", names=parts.names, key_arn=self.lake.key.key_arn, readers=readers)
        kept = ", ".join(self.lake.kept) or "nothing; the key itself goes after its waiting time of 7 days"
        CfnOutput(self, "KeptWhenDestroyed", value=kept, description="What cdk destroy leaves behind")
        CfnOutput(self, "LakeBucket", value=f"s3://{parts.names.lake}")


class ComputeStack(_Stack):
    """Roles, security groups and encryption of clusters."""

    def __init__(self, scope: Construct, parts: Parts, subnets: Subnets, lake: LakeStack) -> None:
        super().__init__(scope, parts, "compute", "roles and security of clusters")
        names, key = parts.names, lake.lake.key
        self.groups = Groups(self, "Groups", subnets=subnets)
        Roles(
            self,
            "Roles",
            names=names,
            key_arn=key.key_arn,
            subnets=subnets,
            groups=self.groups,
            optimized=parts.optimized is not None,
        )
        config, certificate = parts.stage.compute, None
        if config.in_transit == "tls":
            certificate = Certificate(
                self, "Certificate", names=names, key_arn=key.key_arn, generation=config.certificate
            )
        self.security, configuration = security_configuration(
            self, names=names, key_arn=key.key_arn, certificate=certificate.uri if certificate else None
        )
        if certificate:
            configuration.node.add_dependency(certificate)


class AirflowStack(_Stack):
    """The build's files in their buckets, and the MWAA environment.

    The order makes an upgrade safe: artefacts first, in a folder of their own; then plugins and requirements, and
    the environment that takes them; DAG files and deployed.json last, when the environment has what they need.
    """

    def __init__(
        self, scope: Construct, parts: Parts, subnets: Subnets, lake: LakeStack, compute: ComputeStack
    ) -> None:
        super().__init__(scope, parts, "airflow", "Airflow and the build's files")
        names, dist, key = parts.names, parts.dist, lake.lake.key
        courier = Courier(self, "Courier", names=names, key_arn=key.key_arn)
        artefacts = staged(self, dist, sorted(dist.artefacts))
        delivered = courier.deliver(
            "Artefacts",
            bucket=names.lake,
            release=dist.prefix,
            objects={f"{dist.prefix}/{name}": asset for name, asset in artefacts.items()},
        )
        package = staged(
            Construct(self, "Package"), dist, [MWAA + name for name in (REQUIREMENTS, PLUGINS, CONSTRAINTS)]
        )
        packaged = courier.deliver(
            "AirflowPackage",
            bucket=names.airflow,
            objects={name.removeprefix(MWAA): asset for name, asset in package.items()},
            versions=(REQUIREMENTS, PLUGINS),
        )
        airflow = Airflow(
            self,
            "Airflow",
            names=names,
            config=parts.stage.airflow,
            subnets=subnets,
            key=key,
            bucket_arn=lake.lake.airflow.bucket_arn,
            versions={name: packaged.get_att_string(f"Version.{name}") for name in (REQUIREMENTS, PLUGINS)},
        )
        document = deployed_settings(
            names=names,
            dist=dist,
            subnet_ids=subnets.subnet_ids,
            groups=compute.groups.ids,
            security=compute.security,
            optimized=parts.optimized,
        )
        dags = courier.deliver(
            "Dags",
            bucket=names.airflow,
            archives={DAGS: archive(self, "DagFiles", dist.mwaa(DAGS))},
            texts={f"{DAGS}/deployed.json": self.to_json_string(document, 1)},
        )
        dags.node.add_dependency(airflow.environment, delivered)
        CfnOutput(self, "AirflowUrl", value=f"https://{airflow.environment.attr_webserver_url}")
        CfnOutput(
            self, "DagsFolder", value=f"s3://{names.airflow}/{DAGS}/", description="AOI files go to aois/ below it"
        )


class GuardStack(_Stack):
    """Alarms, budget, dashboard."""

    def __init__(self, scope: Construct, parts: Parts, lake: LakeStack) -> None:
        super().__init__(scope, parts, "guard", "alarms, budget, dashboard")
        names, config = parts.names, parts.stage.guard
        alarms = Alarms(self, "Alarms", config=config, names=names, key=lake.lake.key)
        age = ClusterAge(self, "ClusterAge", names=names, alarms=alarms, hours=parts.alarming_hours)
        failures = Failures(self, "Failures", names=names, alarms=alarms)
        budget(self, names=names, config=config, topic=alarms.topic)
        dashboard(self, names=names, age=age, failures=failures)


def deploy(scope: Construct, parts: Parts) -> list[Stack]:
    """All stacks of a deployment, in the order in which they are deployed."""
    lake = LakeStack(scope, parts)
    config = parts.stage.network
    network = None if config.vpc_id else NetworkStack(scope, parts)
    subnets = network.subnets if network else existing(lake, config)
    compute = ComputeStack(scope, parts, subnets, lake)
    airflow = AirflowStack(scope, parts, subnets, lake, compute)
    guard = GuardStack(scope, parts, lake)
    # Names of what these make are used without references.
    airflow.add_stack_dependency(compute)
    guard.add_stack_dependency(lake)
    return [stack for stack in (network, lake, compute, airflow, guard) if stack]
