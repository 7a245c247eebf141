"""Airflow's role: what DAG code, triggers and MWAA itself call.

Workers read and write run folders, read published tables, and make, watch and end clusters. They hold no
EC2 permission at all, and may touch only clusters that were made with the deployment's tags: to no other
may they give these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.cloud.constructs.lake import ARTIFACTS, CLUSTER_LOGS, QUEUE, RUNS, TABLES
from infra.cloud.grants import Grant
from infra.cloud.naming import AIRFLOW_LOGS, Names, arn, role_arn
from infra.cloud.roles.common import bear_tags, catalog, use_key

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIVING = "j-*"
"""Ids of clusters. One that is still to be made has none: EMR judges its tags on ``cluster/*``, with that star."""


def grants(names: Names, key_arn: str) -> Sequence[Grant]:
    """Everything that Airflow's role may do."""
    return (*_airflow(names), *_lake(names, key_arn), *_clusters(names))


def _airflow(names: Names) -> tuple[Grant, ...]:
    """What MWAA needs to run (MWAA guide, "execution role"); the bucket is its own, so it may read all of it."""
    bucket = names.bucket_arn(names.airflow)
    return (
        Grant(
            sid="ReadDags",
            why="MWAA copies DAG files, plugins and requirements from its bucket, whatever their names.",
            actions=("s3:GetObject", "s3:GetObjectVersion"),
            resources=(names.objects(names.airflow),),
        ),
        Grant(
            sid="ListDags",
            why="MWAA looks for changed DAG files and checks that the bucket is private and versioned.",
            actions=(
                "s3:GetBucketLocation", "s3:GetBucketPublicAccessBlock", "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration", "s3:ListBucket", "s3:ListBucketVersions",
            ),
            resources=(bucket,),
        ),
        Grant(
            sid="CheckPublicAccess",
            why="MWAA must read the account's public access setting, an action without resources.",
            actions=("s3:GetAccountPublicAccessBlock",),
            resources=("*",),
        ),
        Grant(
            sid="WriteLogs",
            why="Task and scheduler logs go to the environment's own log groups, in streams named by run and task.",
            actions=(
                "logs:CreateLogGroup", "logs:CreateLogStream", "logs:GetLogEvents", "logs:GetLogGroupFields",
                "logs:GetLogRecord", "logs:GetQueryResults", "logs:PutLogEvents",
            ),
            resources=tuple(arn("logs", f"log-group:{names.airflow_log(kind)}*") for kind in AIRFLOW_LOGS),
        ),
        Grant(
            sid="FindLogs",
            why="DescribeLogGroups lists by prefix and cannot be limited to a group.",
            actions=("logs:DescribeLogGroups",),
            resources=("*",),
        ),
        Grant(
            sid="PutMetrics",
            why="PutMetricData knows no resources; the condition keeps it to Airflow's own metrics.",
            actions=("cloudwatch:PutMetricData",),
            resources=("*",),
            conditions={"StringEquals": {"cloudwatch:namespace": ["AmazonMWAA", "AWS/MWAA"]}},
        ),
        Grant(
            sid="PublishHealth",
            why="MWAA's agents report the environment's health under its own name.",
            actions=("airflow:PublishMetrics",),
            resources=(arn("airflow", f"environment/{names.stage}"),),
        ),
        Grant(
            sid="UseQueue",
            why="Celery's queue belongs to an account of MWAA and has a random name with this beginning.",
            actions=(
                "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
                "sqs:ReceiveMessage", "sqs:SendMessage",
            ),
            resources=(arn("sqs", "airflow-celery-*", account="*"),),
        ),
    )  # fmt: skip


def _lake(names: Names, key_arn: str) -> tuple[Grant, ...]:
    return (
        use_key(
            key_arn, "Reads and writes of the buckets, the queue and the tables' files are encrypted with this key."
        ),
        Grant(
            sid="ReadLake",
            why="Planning reads tables and encoders' descriptions, receipts steps' reports, triggers their progress.",
            actions=("s3:GetObject",),
            resources=tuple(names.objects(names.lake, folder) for folder in (TABLES, RUNS, ARTIFACTS)),
        ),
        Grant(
            sid="WriteRuns",
            why="Plan, cells, manifest and receipt go to the run's folder, which is named by run.",
            actions=("s3:PutObject", "s3:AbortMultipartUpload"),
            resources=(names.objects(names.lake, RUNS),),
        ),
        Grant(
            sid="QueueForClusters",
            why="A run that waits for a cluster keeps a place in the queue, an empty object named by run.",
            actions=("s3:PutObject", "s3:DeleteObject"),
            resources=(names.objects(names.lake, QUEUE),),
        ),
        Grant(
            sid="ListLake",
            why="Without it a missing object answers 'forbidden', as one that may not be read does.",
            actions=("s3:ListBucket", "s3:GetBucketLocation"),
            resources=(names.bucket_arn(names.lake), names.bucket_arn(names.logs)),
        ),
        Grant(
            sid="ReadClusterLogs",
            why="A failed step's task shows the end of its log, which EMR files by cluster, step and container.",
            actions=("s3:GetObject",),
            resources=(names.objects(names.logs, CLUSTER_LOGS),),
        ),
        catalog(names, "ReadCatalog", "Planning reads the published tables.", ("glue:GetDatabase", "glue:GetTable")),
    )


def _clusters(names: Names) -> tuple[Grant, ...]:
    cluster, living = arn("elasticmapreduce", "cluster/*"), arn("elasticmapreduce", f"cluster/{_LIVING}")
    tags = names.cluster_tags
    requested = bear_tags(tags, requested=True)
    return (
        Grant(
            sid="MakeTaggedClusters",
            why="RunJobFlow knows no resources; the condition refuses clusters without the deployment's tags.",
            actions=("elasticmapreduce:RunJobFlow",),
            resources=("*",),
            conditions=requested,
        ),
        Grant(
            sid="TagNewClusters",
            why="RunJobFlow with tags needs it too, and a cluster's id is known only afterwards.",
            actions=("elasticmapreduce:AddTags",),
            resources=(cluster,),
            conditions=requested,
        ),
        Grant(
            sid="LimitIdleTime",
            why="A request with an idle limit is checked for it before there is a cluster that could bear a tag.",
            actions=("elasticmapreduce:PutAutoTerminationPolicy",),
            resources=(cluster,),
        ),
        *(
            Grant(
                sid=f"LeaveOtherClusters{number}",
                why="A cluster of others may not be given our tags, which would hand it over, nor an idle limit.",
                actions=("elasticmapreduce:AddTags", "elasticmapreduce:PutAutoTerminationPolicy"),
                resources=(living,),
                conditions={"StringNotEquals": {f"elasticmapreduce:ResourceTag/{key}": value}},
                effect="Deny",
            )
            for number, (key, value) in enumerate(tags.items(), 1)
        ),
        Grant(
            sid="DriveOwnClusters",
            why="Clusters' ids are EMR's to choose; the condition allows only those with this deployment's tags.",
            actions=(
                "elasticmapreduce:AddInstanceFleet", "elasticmapreduce:AddJobFlowSteps",
                "elasticmapreduce:CancelSteps", "elasticmapreduce:DescribeCluster",
                "elasticmapreduce:DescribeStep", "elasticmapreduce:ListInstanceFleets",
                "elasticmapreduce:ListInstances", "elasticmapreduce:ListSteps",
                "elasticmapreduce:ModifyInstanceFleet",
                "elasticmapreduce:TerminateJobFlows",
            ),
            resources=(cluster,),
            conditions=bear_tags(tags),
        ),
        Grant(
            sid="ListClusters",
            why="Finding a run's cluster before making one means listing; ListClusters knows no resources.",
            actions=("elasticmapreduce:ListClusters",),
            resources=("*",),
        ),
        Grant(
            sid="PassClusterRoles",
            why="EMR takes its own role from the request; no other may be passed, and to no other service.",
            actions=("iam:PassRole",),
            resources=(role_arn(names.service_role),),
            conditions={"StringEquals": {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}},
        ),
        Grant(
            sid="PassNodeRole",
            why="The nodes' role is passed to EC2 through the instance profile that the request names.",
            actions=("iam:PassRole",),
            resources=(role_arn(names.instance_role),),
            conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    )  # fmt: skip
