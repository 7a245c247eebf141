"""A small Lambda function with a role, a log group and nothing it does not need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import CfnResource, CustomResource, Duration, RemovalPolicy, aws_lambda
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.cloud.grants import Grant, give

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CODE = Path(__file__).parents[1] / "lambdas"


class Function(Construct):
    """One module of ``lambdas/functions``, on the newest Python that Lambda has.

    Args:
        module: Its name; its `handler` is called.
        grants: What it may do besides writing its log.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        module: str,
        description: str,
        timeout: Duration,
        grants: Sequence[Grant],
        memory_mib: int = 256,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, name)
        log = logs.LogGroup(self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        writes = Grant(
            sid="WriteLog",
            why="The function makes a stream in its own log group for each instance of itself.",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(log.log_group_arn,),
        )
        self.policy = give(role, "Policy", (writes, *grants))
        function = aws_lambda.Function(
            self,
            "Function",
            runtime=aws_lambda.Runtime.PYTHON_3_14,
            handler=f"functions.{module}.handler",
            code=aws_lambda.Code.from_asset(str(CODE), exclude=["__pycache__", "*.pyc"]),
            description=description,
            timeout=timeout,
            memory_size=memory_mib,
            role=role,
            log_group=log,
            environment=dict(environment or {}),
        )
        self.function = function
        self._wait_s = timeout.to_seconds()

    def resource(self, scope: Construct, name: str, properties: Mapping[str, Any]) -> CustomResource:
        """A custom resource that this function implements, once its policy is there.

        Args:
            scope: Where to make it.
            name: Id of the resource in the scope; the function gets it as the property `Name`.
            properties: What else the function gets.
        """
        resource = CustomResource(
            scope, name, service_token=self.function.function_arn, properties={"Name": name, **properties}
        )
        # CDK writes it as a string, which CloudFormation's own schema does not have.
        default = resource.node.default_child
        if isinstance(default, CfnResource):
            default.add_property_override("ServiceTimeout", self._wait_s)
        resource.node.add_dependency(self.policy)
        return resource
