"""What people may do who read the lake: published tables and run folders, by Athena, DuckDB, pyiceberg or Spark.

Reading changes nothing, so there is no action here that does. What a tool needs besides, such as Athena's own
actions and a place for its results, is the account's to give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.cloud.constructs.lake import RUNS, TABLES
from infra.cloud.grants import Grant
from infra.cloud.naming import REGION, Names
from infra.cloud.roles.common import catalog

if TYPE_CHECKING:
    from collections.abc import Sequence


def grants(names: Names, key_arn: str, *, tables: Sequence[str], runs: bool) -> Sequence[Grant]:
    """Everything that a reader of some tables may do.

    Args:
        names: The deployment's names.
        key_arn: Of the deployment's key.
        tables: Names of the tables.
        runs: Whether run folders may be read, too: plans, receipts and reports with pictures.
    """
    folders = [f"{TABLES}{table}/" for table in tables] + ([RUNS] if runs else [])
    bucket = names.bucket_arn(names.lake)
    return (
        Grant(
            sid="ReadFiles",
            why="Data and metadata files of the tables have random names, and run folders are named by runs.",
            actions=("s3:GetObject",),
            resources=tuple(names.objects(names.lake, folder) for folder in folders),
        ),
        Grant(
            sid="ListFiles",
            why="Tools list a table's folder, or check that a file is there; other folders stay unlisted.",
            actions=("s3:ListBucket",),
            resources=(bucket,),
            conditions={"StringLike": {"s3:prefix": [f"{folder}*" for folder in folders]}},
        ),
        Grant(
            sid="FindBucket",
            why="Clients look up the region of the bucket before they read from it.",
            actions=("s3:GetBucketLocation",),
            resources=(bucket,),
        ),
        Grant(
            sid="Decrypt",
            why="Files are encrypted with this key, which S3 uses in the reader's name and no other service may.",
            actions=("kms:Decrypt",),
            resources=(key_arn,),
            conditions={"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
        ),
        catalog(
            names,
            "ReadCatalog",
            "Glue says where a table's newest metadata is, and which tables there are.",
            ("glue:GetDatabase", "glue:GetTable", "glue:GetTables"),
            tables,
        ),
    )
