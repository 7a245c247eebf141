"""The lake: its key, buckets and database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.cloud.naming import ACCOUNT, PARTITION, REGION, Names

if TYPE_CHECKING:
    from infra.cloud.config import Stage

TABLES, RUNS, ARTIFACTS, CERTIFICATES, QUEUE = "tables/", "runs/", "artifacts/", "certificates/", "queue/"
"""Folders of the lake's bucket; no lifecycle rule may ever end an object below `TABLES`."""
CLUSTER_LOGS, ACCESS_LOGS = "emr/", "access/"
_UPLOAD_DAYS = 7
_PUBLISHERS = ("budgets", "cloudwatch", "events")
_LOGS_ENCRYPT = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
)


class Lake(Construct):
    """One key for everything at rest, three buckets, one Glue database.

    Attributes:
        key: Of buckets, logs, queue and metadata of Airflow, disks of nodes, and alarms.
        lake: Tables, run folders, artefacts.
        logs: Cluster logs and access logs; access logs cannot be delivered to a bucket with a customer's key.
        airflow: DAGs, plugins, requirements; versioned, because MWAA takes the latter two by version.
        kept: What destroying the stacks leaves behind.
    """

    def __init__(self, scope: Construct, name: str, *, stage: Stage, names: Names) -> None:
        super().__init__(scope, name)
        self._stage = stage
        # A first deploy that fails takes back what it has made: what stayed would stand in the way of the next one.
        self._fate = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if stage.protect else RemovalPolicy.DESTROY
        self.key = self._key()
        self.logs = self._bucket("Logs", names.logs, encryption=s3.BucketEncryption.S3_MANAGED)
        self.logs.add_lifecycle_rule(id="expire", expiration=Duration.days(stage.lake.log_days))
        secret: dict[str, Any] = {
            "encryption": s3.BucketEncryption.KMS,
            "encryption_key": self.key,
            "bucket_key_enabled": True,
            "server_access_logs_bucket": self.logs,
        }
        self.lake = self._bucket("Lake", names.lake, server_access_logs_prefix=f"{ACCESS_LOGS}lake/", **secret)
        self.airflow = self._bucket(
            "Airflow", names.airflow, server_access_logs_prefix=f"{ACCESS_LOGS}airflow/", versioned=True, **secret
        )
        # The environment holds on to versions of plugins and requirements; only older DAG files may go.
        self.airflow.add_lifecycle_rule(
            id="old-dags",
            prefix="dags/",
            noncurrent_version_expiration=Duration.days(30),
            expired_object_delete_marker=True,
        )
        # Places of runs that have died; those of waiting runs are written anew every few minutes.
        self.lake.add_lifecycle_rule(id="dead-places", prefix=QUEUE, expiration=Duration.days(1))
        for bucket in (self.lake, self.airflow):
            bucket.add_lifecycle_rule(
                id="unfinished-uploads", abort_incomplete_multipart_upload_after=Duration.days(_UPLOAD_DAYS)
            )
        self.database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=ACCOUNT,
            database_name=names.database,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=names.database,
                description="Clay embeddings of Sentinel-2, month by month",
                location_uri=f"s3://{names.lake}/{TABLES.rstrip('/')}",
            ),
        )
        self.database.apply_removal_policy(self._fate)
        self.kept = (
            (names.lake, names.logs, names.airflow, f"database {names.database}", "the key") if stage.protect else ()
        )

    def _key(self) -> kms.IKey:
        """A key that an earlier deployment has left, with the policy that it was made with; else a new one."""
        if self._stage.lake.key_arn:
            return kms.Key.from_key_arn(self, "Key", self._stage.lake.key_arn)
        key = kms.Key(
            self,
            "Key",
            description=f"{self._stage.name}: everything at rest",
            enable_key_rotation=True,
            removal_policy=self._fate,
            pending_window=Duration.days(7),
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LogGroups",
                principals=[iam.ServicePrincipal(f"logs.{REGION}.amazonaws.com")],
                actions=list(_LOGS_ENCRYPT),
                resources=["*"],
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:*"
                    }
                },
            )
        )
        # SNS calls the key in the publisher's name, and events carry nothing that a condition could require.
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmPublishers",
                principals=[iam.ServicePrincipal(f"{name}.amazonaws.com") for name in _PUBLISHERS],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
            )
        )
        return key

    def _bucket(self, name: str, bucket_name: str, **more: Any) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            bucket_name=bucket_name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=self._fate,
            auto_delete_objects=not self._stage.protect,
            **more,
        )
