"""Managed policies for people and tools that read the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput
from constructs import Construct

from infra.cloud.grants import offer
from infra.cloud.naming import REGION, Names
from infra.cloud.roles import reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.cloud.config import ReaderConfig


class Readers(Construct):
    """A policy for each reader; the account attaches it to roles, users or permission sets."""

    def __init__(
        self, scope: Construct, name: str, *, names: Names, key_arn: str, readers: Mapping[str, ReaderConfig]
    ) -> None:
        super().__init__(scope, name)
        for title, config in readers.items():
            what = ", ".join((*config.tables, *(("run folders",) if config.runs else ())))
            policy = offer(
                self,
                title,
                reader.grants(names, key_arn, tables=config.tables, runs=config.runs),
                policy_name=f"{names.stage}-{title}-{REGION}",
                about=f"Read {what} of the lake {names.stage}, and change nothing",
            )
            CfnOutput(
                scope,
                f"Reader{title}",
                value=policy.managed_policy_arn,
                description=f"Attach it to those who read {what}",
            )
