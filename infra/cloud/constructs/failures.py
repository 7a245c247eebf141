"""What has failed: DAG runs, as Airflow reports, and clusters, as EMR does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.cloud.naming import PIPELINE, Names

if TYPE_CHECKING:
    from infra.cloud.constructs.alarms import Alarms


class Failures(Construct):
    """Failed DAG runs, and what EMR itself reports as failed."""

    def __init__(self, scope: Construct, name: str, *, names: Names, alarms: Alarms) -> None:
        super().__init__(scope, name)
        # MWAA has one metric for each DAG; an alarm on a query covers the DAGs of AOIs that are yet to come.
        self.runs = cloudwatch.MathExpression(
            expression=f"SELECT COUNT(DAGDurationFailed) FROM \"AmazonMWAA\" WHERE Environment = '{names.stage}'",  # noqa: S608 - CloudWatch's own query
            using_metrics={},
            label="failed runs",
            period=Duration.minutes(5),
        )
        self.alarm = alarms.raise_on(
            cloudwatch.Alarm(
                self,
                "FailedRuns",
                alarm_name=f"{names.stage}-failed-runs",
                alarm_description="A DAG run has failed; its run note says what was done, verdict says what failed",
                metric=self.runs,
                threshold=0,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                evaluation_periods=1,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
        )
        patterns = {
            "ClusterFailed": ("EMR Cluster State Change", "TERMINATED_WITH_ERRORS"),
            "StepFailed": ("EMR Step Status Change", "FAILED"),
            "FleetSuspended": ("EMR Instance Fleet State Change", "SUSPENDED"),
        }
        for name_, (kind, state) in patterns.items():
            named = {} if name_ == "FleetSuspended" else {"name": events.Match.prefix(f"{PIPELINE} ")}
            rule = events.Rule(
                self,
                name_,
                event_pattern=events.EventPattern(
                    source=["aws.emr"], detail_type=[kind], detail={"state": [state], **named}
                ),
            )
            rule.add_target(targets.SnsTopic(alarms.topic))
