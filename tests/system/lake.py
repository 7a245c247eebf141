"""What the system left in the stand-in: tables, branches, clusters, run folders."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import boto3
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import AlwaysTrue

DATABASE = "claylake"
TABLES = ("chips", "embeddings", "observations", "changes", "scenes")
ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]


class Lake:
    """Reads the stand-in as a user's tools would: pyiceberg and boto3."""

    def __init__(self, stack):
        self.stack = stack
        names = {
            "region_name": stack.env["AWS_REGION"],
            "aws_access_key_id": stack.env["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": stack.env["AWS_SECRET_ACCESS_KEY"],
            "endpoint_url": stack.endpoint,
        }
        self.s3 = boto3.client("s3", **names)
        self.emr = boto3.client("emr", **names)
        self.catalog = GlueCatalog(
            "lake",
            **{
                "glue.endpoint": stack.endpoint,
                "glue.region": stack.env["AWS_REGION"],
                "glue.access-key-id": "testing",
                "glue.secret-access-key": "testing",
                "s3.endpoint": stack.endpoint,
                "s3.region": stack.env["AWS_REGION"],
                "s3.access-key-id": "testing",
                "s3.secret-access-key": "testing",
            },
        )

    def table(self, name):
        return self.catalog.load_table((DATABASE, name))

    def snapshots(self) -> dict[str, int | None]:
        """The snapshot that readers of main see, per table; None where there is none."""
        found: dict[str, int | None] = dict.fromkeys(TABLES)
        for name in TABLES:
            with contextlib.suppress(NoSuchTableError):
                current = self.table(name).current_snapshot()
                found[name] = current.snapshot_id if current else None
        return found

    def branches(self) -> set[str]:
        """Names of run branches that are left, over all tables."""
        left = set()
        for name in TABLES:
            with contextlib.suppress(NoSuchTableError):
                left |= set(self.table(name).refs()) - {"main"}
        return left

    def rows(self, name, columns=("*",), **scan) -> list[dict[str, Any]]:
        return self.table(name).scan(selected_fields=columns, **scan).to_arrow().to_pylist()

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """What the tables say, without lineage (run ids, times): equal content means equal results."""
        return {
            "chips": sorted(
                (row["id"], row["content_digest"], row["scene_id"], row["radiometry"])
                for row in self.rows("chips", ("id", "content_digest", "scene_id", "radiometry"))
            ),
            "embeddings": sorted(
                (
                    row["id"],
                    row["content_digest"],
                    row["model_version"],
                    row["convention"],
                    tuple(row["global_embedding"]),
                )
                for row in self.rows("embeddings")
            ),
            "observations": sorted(
                (row["cell_id"], row["pass"], row["outcome"])
                for row in self.rows("observations", ("cell_id", "pass", "outcome"))
            ),
        }

    def empty(self) -> None:
        """Delete the rows of every table, as if no month had been made."""
        for name in TABLES:
            table = self.table(name)
            if table.current_snapshot():
                table.delete(AlwaysTrue())

    def alive(self) -> list[str]:
        """Clusters that would cost money now."""
        return [cluster["Id"] for cluster in self.emr.list_clusters(ClusterStates=ALIVE)["Clusters"]]

    def clusters(self) -> int:
        """How many clusters were ever made."""
        pages = self.emr.get_paginator("list_clusters").paginate()
        return sum(len(page["Clusters"]) for page in pages)

    def newest_cluster(self) -> tuple[dict[str, Any], list[tuple[str, Any]], list[tuple[str, Any]]]:
        """EMR's times of the cluster made last; those of its steps, with their names; of its instances, with types."""
        place = {"ClusterId": self.emr.list_clusters()["Clusters"][0]["Id"]}
        steps, instances = self.emr.list_steps(**place)["Steps"], self.emr.list_instances(**place)["Instances"]
        return (
            self.emr.describe_cluster(**place)["Cluster"]["Status"]["Timeline"],
            [(each["Name"], each["Status"]["Timeline"]) for each in steps],
            [(each["InstanceType"], each["Status"]["Timeline"]) for each in instances],
        )

    def steps(self) -> list[str]:
        """Names of all steps ever added."""
        pages = self.emr.get_paginator("list_clusters").paginate()
        ids = [cluster["Id"] for page in pages for cluster in page["Clusters"]]
        return [step["Name"] for cluster in ids for step in self.emr.list_steps(ClusterId=cluster)["Steps"]]

    def document(self, dag_id, month, name) -> dict[str, Any]:
        """A JSON document of the newest run of a month."""
        prefix = f"runs/{dag_id}/{month}/"
        listing = self.s3.list_objects_v2(Bucket="claylake-local", Prefix=prefix).get("Contents", [])
        newest = max((entry for entry in listing if entry["Key"].endswith("/" + name)), key=lambda e: e["LastModified"])
        return json.loads(self.s3.get_object(Bucket="claylake-local", Key=newest["Key"])["Body"].read())
