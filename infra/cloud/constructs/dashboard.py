"""Runs, clusters and alarms on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from constructs import Construct

    from infra.cloud.constructs.cluster_age import ClusterAge
    from infra.cloud.constructs.failures import Failures
    from infra.cloud.naming import Names


def dashboard(scope: Construct, *, names: Names, age: ClusterAge, failures: Failures) -> cloudwatch.Dashboard:
    """Runs, clusters and alarms on one page.

    Args:
        scope: Where to make it.
        names: The deployment's names; the dashboard has one with the region: dashboards are the account's.
        age: Its alarm, and its metrics of live clusters.
        failures: Its alarm.
    """
    search = "SEARCH('{{AmazonMWAA,DAG,Environment}} MetricName=\"{metric}\" Environment=\"{stage}\"', '{stat}', 3600)"

    def of_dags(metric: str, stat: str, label: str) -> cloudwatch.MathExpression:
        """One metric of every DAG of the environment, hour by hour.

        Args:
            metric: Its name in the namespace ``AmazonMWAA``.
            stat: CloudWatch's statistic, such as ``Average``.
            label: Of the lines in the legend.
        """
        return cloudwatch.MathExpression(
            expression=search.format(metric=metric, stage=names.stage, stat=stat), using_metrics={}, label=label
        )

    board = cloudwatch.Dashboard(scope, "Dashboard", dashboard_name=names.of_account)
    board.add_widgets(
        cloudwatch.AlarmStatusWidget(title="Alarms", alarms=[age.alarm, failures.alarm], width=24, height=3)
    )
    board.add_widgets(
        cloudwatch.GraphWidget(
            title="Runs that succeeded: duration, ms", left=[of_dags("DAGDurationSuccess", "Average", "")], width=12
        ),
        cloudwatch.GraphWidget(
            title="Runs that failed: count an hour", left=[of_dags("DAGDurationFailed", "SampleCount", "")], width=12
        ),
    )
    board.add_widgets(
        cloudwatch.GraphWidget(title="Live clusters", left=[age.live], width=12),
        cloudwatch.GraphWidget(title="Age of the oldest cluster, hours", left=[age.oldest], width=12),
    )
    return board
