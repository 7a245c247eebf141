"""Notifications: one topic, and a budget of the account that publishes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.cloud.naming import ACCOUNT, Names

if TYPE_CHECKING:
    from infra.cloud.config import GuardConfig


class Alarms(Construct):
    """The topic of all notifications."""

    def __init__(self, scope: Construct, name: str, *, config: GuardConfig, names: Names, key: kms.IKey) -> None:
        super().__init__(scope, name)
        self.topic = sns.Topic(self, "Topic", display_name=f"{names.stage}: problems", master_key=key, enforce_ssl=True)
        # EventBridge is let in by its rules' targets, below.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Publishers",
                principals=[iam.ServicePrincipal(f"{each}.amazonaws.com") for each in ("budgets", "cloudwatch")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            )
        )
        for address in config.emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(address))

    def raise_on(self, alarm: cloudwatch.Alarm) -> cloudwatch.Alarm:
        """Send an alarm, and its end, to the topic."""
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        return alarm


def budget(scope: Construct, *, names: Names, config: GuardConfig, topic: sns.ITopic) -> budgets.CfnBudget:
    """A monthly budget of the account, which notifies at 80 % spent, and when the forecast is above all of it.

    It counts the whole account: a filter by tag would stay silent until that tag is activated for billing.

    Args:
        scope: Where to make it.
        names: The deployment's names; the budget has one with the region: budgets are the account's.
        config: Holds the budget's amount.
        topic: Where it notifies.
    """
    subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
    thresholds = (("ACTUAL", 80), ("FORECASTED", 100))
    return budgets.CfnBudget(
        scope,
        "Budget",
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_name=names.of_account,
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(amount=config.budget_usd, unit="USD"),
        ),
        notifications_with_subscribers=[
            budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=[subscriber],
            )
            for kind, percent in thresholds
        ],
    )
