"""The MWAA environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_mwaa as mwaa
from constructs import Construct

from infra.cloud.constructs.network import retention
from infra.cloud.grants import give
from infra.cloud.naming import AIRFLOW_LOGS
from infra.cloud.roles import execution

if TYPE_CHECKING:
    from infra.cloud.config import AirflowConfig
    from infra.cloud.constructs.network import Subnets
    from infra.cloud.naming import Names

AIRFLOW_VERSION = "3.3.1"
DAGS = "dags"


class Environment(Construct):
    """Airflow with its role, its security group and its log groups.

    The log groups are made here rather than by MWAA, so that they have a retention time and end with the stack.

    Args:
        versions: Object versions of ``requirements.txt`` and ``plugins.zip``: the environment changes when they do.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        names: Names,
        config: AirflowConfig,
        subnets: Subnets,
        key: kms.IKey,
        bucket_arn: str,
        versions: dict[str, str],
    ) -> None:
        super().__init__(scope, name)
        # Both may assume it: one for workers and schedulers, the other for the environment's own set-up.
        principal = iam.CompositePrincipal(
            iam.ServicePrincipal("airflow-env.amazonaws.com"), iam.ServicePrincipal("airflow.amazonaws.com")
        )
        role = iam.Role(self, "Role", role_name=names.execution_role, assumed_by=principal)
        policy = give(role, "Policy", execution.grants(names, key.key_arn))
        group = ec2.SecurityGroup(self, "Group", vpc=subnets.vpc, description="Parts of Airflow among each other")
        group.add_ingress_rule(group, ec2.Port.all_traffic(), "schedulers, workers, database and web server")
        self.environment = mwaa.CfnEnvironment(
            self,
            "Environment",
            name=names.stage,
            airflow_version=AIRFLOW_VERSION,
            environment_class=config.environment_class,
            min_workers=config.min_workers,
            max_workers=config.max_workers,
            schedulers=config.schedulers,
            webserver_access_mode=config.web_access,
            worker_replacement_strategy="GRACEFUL",
            weekly_maintenance_window_start=config.maintenance_window,
            execution_role_arn=role.role_arn,
            kms_key=key.key_arn,
            source_bucket_arn=bucket_arn,
            dag_s3_path=DAGS,
            requirements_s3_path="requirements.txt",
            requirements_s3_object_version=versions["requirements.txt"],
            plugins_s3_path="plugins.zip",
            plugins_s3_object_version=versions["plugins.zip"],
            network_configuration=mwaa.CfnEnvironment.NetworkConfigurationProperty(
                security_group_ids=[group.security_group_id], subnet_ids=list(subnets.subnet_ids)
            ),
            logging_configuration=self._logging(config, names, key, policy),
        )
        self.environment.node.add_dependency(policy)

    def _logging(self, config: AirflowConfig, names: Names, key: kms.IKey, policy: Construct) -> Any:
        settings = {}
        for kind, setting in AIRFLOW_LOGS.items():
            group = logs.LogGroup(
                self,
                f"{kind}Log",
                log_group_name=names.airflow_log(kind),
                retention=retention(config.log_days),
                encryption_key=key,
                removal_policy=RemovalPolicy.DESTROY,
            )
            policy.node.add_dependency(group)
            settings[setting] = mwaa.CfnEnvironment.ModuleLoggingConfigurationProperty(
                enabled=True, log_level=config.log_level
            )
        return mwaa.CfnEnvironment.LoggingConfigurationProperty(**settings)
