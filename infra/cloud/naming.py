"""Names and ARNs that stacks share.

They are put together from the stage's name instead of being handed from stack to stack: policies can name what
another stack makes, and a finding of cdk-nag reads the same wherever it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws

ACCOUNT, REGION, PARTITION = Aws.ACCOUNT_ID, Aws.REGION, Aws.PARTITION
EMR_TAG = "for-use-with-amazon-emr-managed-policies"
"""EMR hands the tags of a cluster on to instances, disks, interfaces and launch templates."""
PIPELINE_TAG = "claylake:pipeline"
PIPELINE = "claylake"
STAGE_TAG = "claylake:deployment"
"""Names the stage: two in one account drive their own clusters only."""
AIRFLOW_LOGS = {
    "DAGProcessing": "dag_processing_logs",
    "Scheduler": "scheduler_logs",
    "Task": "task_logs",
    "WebServer": "webserver_logs",
    "Worker": "worker_logs",
}
"""What MWAA logs, as the names of its log groups end, and its settings for them."""


def arn(service: str, resource: str, *, account: str = ACCOUNT) -> str:
    """ARN of a resource of the stack's region.

    Args:
        service: Such as ``glue``.
        resource: What the ARN ends with, such as ``database/<name>``.
        account: The stack's if not given; empty for resources that belong to no account.
    """
    return f"arn:{PARTITION}:{service}:{REGION}:{account}:{resource}"


def role_arn(name: str) -> str:
    """ARN of a role by its name."""
    return f"arn:{PARTITION}:iam::{ACCOUNT}:role/{name}"


@dataclass(frozen=True)
class Names:
    """Names of one deployment's resources.

    Attributes:
        stage: The stage's name.
    """

    stage: str

    @property
    def lake(self) -> str:
        """Bucket of tables, run folders and artefacts."""
        return self._bucket("lake")

    @property
    def logs(self) -> str:
        """Bucket of cluster logs and access logs."""
        return self._bucket("logs")

    @property
    def airflow(self) -> str:
        """Bucket that MWAA reads DAGs, plugins and requirements from."""
        return self._bucket("airflow")

    @property
    def database(self) -> str:
        """Glue database."""
        return self.stage.replace("-", "_")

    @property
    def service_role(self) -> str:
        """Role of EMR itself."""
        return f"{self.stage}-emr-service-{REGION}"

    @property
    def instance_role(self) -> str:
        """Role of the clusters' nodes, and name of its instance profile."""
        return f"{self.stage}-emr-node-{REGION}"

    @property
    def execution_role(self) -> str:
        """Role of Airflow's workers and schedulers."""
        return f"{self.stage}-airflow-{REGION}"

    @property
    def of_account(self) -> str:
        """Name of what is one of its kind in all regions of an account: the budget and the dashboard."""
        return f"{self.stage}-{REGION}"

    @property
    def cluster_tags(self) -> dict[str, str]:
        """Tags of this deployment's clusters and of no others."""
        return {PIPELINE_TAG: PIPELINE, STAGE_TAG: self.stage}

    def airflow_log(self, kind: str) -> str:
        """Log group of MWAA's for a key of `AIRFLOW_LOGS`."""
        return f"airflow-{self.stage}-{kind}"

    def objects(self, bucket: str, prefix: str = "") -> str:
        """ARN of the objects of a bucket below a prefix."""
        return f"{self.bucket_arn(bucket)}/{prefix}*"

    @staticmethod
    def bucket_arn(bucket: str) -> str:
        """ARN of a bucket."""
        return f"arn:{PARTITION}:s3:::{bucket}"

    def _bucket(self, what: str) -> str:
        return f"{self.stage}-{what}-{ACCOUNT}-{REGION}"
