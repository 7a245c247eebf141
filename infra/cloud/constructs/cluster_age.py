"""The age of the oldest cluster, which EMR itself does not report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.cloud.constructs.function import Function
from infra.cloud.constructs.lake import CLUSTER_LOGS
from infra.cloud.grants import Grant
from infra.cloud.naming import Names, arn
from infra.cloud.roles.common import bear_tags

if TYPE_CHECKING:
    from infra.cloud.constructs.alarms import Alarms

NAMESPACE = "Claylake"
_POLL_EVERY = Duration.minutes(15)


class ClusterAge(Construct):
    """An alarm on the longest-living cluster; EMR has no such metric, so a function reports it."""

    def __init__(self, scope: Construct, name: str, *, names: Names, alarms: Alarms, hours: float) -> None:
        super().__init__(scope, name)
        function = Function(
            self,
            "Watch",
            module="cluster_age",
            description="Reports how long the oldest live cluster has lived",
            timeout=Duration.minutes(2),
            environment={"LOG_URI": f"s3://{names.logs}/{CLUSTER_LOGS.rstrip('/')}", "DEPLOYMENT": names.stage},
            grants=(
                Grant(
                    sid="ListClusters",
                    why="Live clusters are found by listing; ListClusters knows no resources.",
                    actions=("elasticmapreduce:ListClusters",),
                    resources=("*",),
                ),
                Grant(
                    sid="ReadOwnClusters",
                    why="Clusters' ids are EMR's to choose; the condition allows those with this deployment's tags.",
                    actions=("elasticmapreduce:DescribeCluster",),
                    resources=(arn("elasticmapreduce", "cluster/*"),),
                    conditions=bear_tags(names.cluster_tags),
                ),
                Grant(
                    sid="PutMetric",
                    why="PutMetricData knows no resources; the condition keeps it to one namespace.",
                    actions=("cloudwatch:PutMetricData",),
                    resources=("*",),
                    conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
                ),
            ),
        )
        rule = events.Rule(self, "Clock", schedule=events.Schedule.rate(_POLL_EVERY))
        rule.add_target(targets.LambdaFunction(function.function, retry_attempts=2))
        self.oldest, self.live = (
            cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name=metric,
                dimensions_map={"Deployment": names.stage},
                statistic="Maximum",
                period=Duration.hours(1),
            )
            for metric in ("OldestClusterHours", "LiveClusters")
        )
        self.alarm = alarms.raise_on(
            cloudwatch.Alarm(
                self,
                "TooOld",
                alarm_name=f"{names.stage}-cluster-age",
                alarm_description=f"A cluster is older than {hours:g} hours, or its age is unknown",
                metric=self.oldest,
                threshold=hours,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                evaluation_periods=1,
                treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
            )
        )
