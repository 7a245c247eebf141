"""The nodes' role: what bootstrap, Spark jobs and EMR's log pusher call.

Jobs read artefacts, read and write run folders and tables' files, and commit tables. The imagery is public and
read without credentials. Nothing here can start a machine, pass a role or change a policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.run.progress import COUNTS
from infra.cloud.constructs.lake import ARTIFACTS, CERTIFICATES, CLUSTER_LOGS, RUNS, TABLES
from infra.cloud.grants import Grant
from infra.cloud.naming import REGION, Names, arn
from infra.cloud.roles.common import catalog, use_key

if TYPE_CHECKING:
    from collections.abc import Sequence


def grants(names: Names, key_arn: str, *, optimized: bool) -> Sequence[Grant]:
    """Everything that a cluster's nodes may do.

    Args:
        names: The deployment's names.
        key_arn: Of the deployment's key.
        optimized: Whether Glue's optimizers maintain tables; then nodes may also read their last runs.
    """
    lake = names.lake
    watched = (watch_optimizers(names),) if optimized else ()
    return (
        use_key(key_arn, "Artefacts, tables, run folders and the nodes' own disks are encrypted with this key."),
        Grant(
            sid="ReadLake",
            why="Jobs read code, jars, encoders, plans and the tables' files; bootstrap and EMR read the certificate.",
            actions=("s3:GetObject",),
            resources=tuple(names.objects(lake, folder) for folder in (ARTIFACTS, CERTIFICATES, RUNS, TABLES)),
        ),
        Grant(
            sid="WriteLake",
            why="Jobs write tables' data and metadata, and reports to run folders; names are random or a run's.",
            actions=("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
            resources=tuple(names.objects(lake, folder) for folder in (RUNS, TABLES)),
        ),
        Grant(
            sid="TidyTables",
            why="Maintenance deletes expired and orphaned files of tables, Iceberg those of a failed write.",
            actions=("s3:DeleteObject",),
            resources=(names.objects(lake, TABLES),),
        ),
        Grant(
            sid="TidyCounts",
            why="Tasks replace and delete the empty objects of a run folder that count how far they are.",
            actions=("s3:DeleteObject",),
            resources=(f"{names.bucket_arn(lake)}/{RUNS}*/{COUNTS}/*",),
        ),
        Grant(
            sid="ListLake",
            why="Orphan removal lists tables' files; without listing, a missing object answers 'forbidden'.",
            actions=("s3:ListBucket", "s3:GetBucketLocation"),
            resources=(names.bucket_arn(lake), names.bucket_arn(names.logs)),
        ),
        Grant(
            sid="PushLogs",
            why="EMR pushes logs with the nodes' role, filed by cluster, step and container.",
            actions=("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
            resources=(names.objects(names.logs, CLUSTER_LOGS),),
        ),
        Grant(
            sid="ReadEmr",
            why="Nodes fetch scripts of EMR's own from its bucket of the region, as the managed policy lets them.",
            actions=("s3:GetObject",),
            resources=(f"{names.bucket_arn(f'{REGION}.elasticmapreduce')}/*",),
        ),
        catalog(
            names,
            "CommitTables",
            "Iceberg makes tables and commits by swapping the metadata pointer in Glue.",
            ("glue:CreateTable", "glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"),
        ),
        *watched,
    )


def watch_optimizers(names: Names) -> Grant:
    """Read the optimizers and their runs, and change nothing about them."""
    return catalog(
        names,
        "WatchOptimizers",
        "The step maintain reports whether each optimizer of a table is enabled and how its last run has ended.",
        ("glue:GetTableOptimizer", "glue:ListTableOptimizerRuns"),
    )


def optimizer_grants(names: Names, key_arn: str) -> Sequence[Grant]:
    """What Glue's table optimizers may do (Glue guide, "table optimization prerequisites")."""
    return (
        use_key(key_arn, "The tables' files are encrypted with this key, old ones and new ones."),
        Grant(
            sid="RewriteTables",
            why="Compaction writes files with random names; retention and orphan removal delete such files.",
            actions=("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
            resources=(names.objects(names.lake, TABLES),),
        ),
        Grant(
            sid="ListTables",
            why="Orphan removal compares what is stored with what the metadata names.",
            actions=("s3:ListBucket", "s3:GetBucketLocation"),
            resources=(names.bucket_arn(names.lake),),
        ),
        catalog(
            names, "CommitTables", "Every rewrite ends in a commit to the table.", ("glue:GetTable", "glue:UpdateTable")
        ),
        Grant(
            sid="WriteLogs",
            why="Glue writes each optimizer's runs to log groups and streams of its own naming.",
            actions=("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(arn("logs", "log-group:/aws-glue/iceberg-*"),),
        ),
    )
