"""Glue's table optimizers, for stages with ``maintenance: glue``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from constructs import Construct

from claylake.vocabulary import PUBLISH_ORDER
from infra.cloud.grants import give
from infra.cloud.naming import ACCOUNT, Names
from infra.cloud.roles.instance import optimizer_grants

if TYPE_CHECKING:
    from claylake.configuration.maintenance import Retention

_Config = glue.CfnTableOptimizer.TableOptimizerConfigurationProperty


class Optimizers(Construct):
    """Compaction, retention and orphan removal of each table, within limits that ``deployed.json`` passes to the DAGs.

    The tables must be there: they are made by a first month, and attached to by a second deployment.
    """

    def __init__(self, scope: Construct, name: str, *, names: Names, key_arn: str, limits: Retention) -> None:
        super().__init__(scope, name)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("glue.amazonaws.com"))
        policy = give(role, "Policy", optimizer_grants(names, key_arn))
        for table in PUBLISH_ORDER:
            for kind, config in _configs(role.role_arn, limits).items():
                optimizer = glue.CfnTableOptimizer(
                    self,
                    f"{table}-{kind}",
                    catalog_id=ACCOUNT,
                    database_name=names.database,
                    table_name=table,
                    type=kind,
                    table_optimizer_configuration=config,
                )
                optimizer.node.add_dependency(policy)


def _configs(role_arn: str, limits: Retention) -> dict[str, _Config]:
    properties = glue.CfnTableOptimizer
    return {
        "compaction": _Config(role_arn=role_arn, enabled=True),
        "retention": _Config(
            role_arn=role_arn,
            enabled=True,
            retention_configuration=properties.RetentionConfigurationProperty(
                iceberg_configuration=properties.IcebergRetentionConfigurationProperty(
                    snapshot_retention_period_in_days=limits.snapshot_days,
                    number_of_snapshots_to_retain=limits.keep_snapshots,
                    clean_expired_files=True,
                )
            ),
        ),
        "orphan_file_deletion": _Config(
            role_arn=role_arn,
            enabled=True,
            orphan_file_deletion_configuration=properties.OrphanFileDeletionConfigurationProperty(
                iceberg_configuration=properties.IcebergConfigurationProperty(
                    orphan_file_retention_period_in_days=limits.orphan_days
                )
            ),
        ),
    }
