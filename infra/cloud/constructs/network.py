"""Where things live: private subnets with a way out, and private ways to AWS where they pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import RemovalPolicy, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.cloud.grants import Grant, give
from infra.cloud.naming import EMR_TAG

if TYPE_CHECKING:
    from infra.cloud.config import NetworkConfig

_ENDPOINTS = (
    "AIRFLOW_API",
    "AIRFLOW_ENV",
    "AIRFLOW_OPS",
    "CLOUDWATCH_LOGS",
    "CLOUDWATCH_MONITORING",
    "EC2",
    "ECR",
    "ECR_DOCKER",
    "EMR",
    "GLUE",
    "KMS",
    "SQS",
    "STS",
)
"""AWS APIs that MWAA's tasks, EMR's nodes and the jobs call (MWAA guide, "private routing"; EMR guide)."""


@dataclass(frozen=True, kw_only=True)
class Subnets:
    """A VPC and its two private subnets."""

    vpc: ec2.IVpc
    subnet_ids: tuple[str, ...]


def existing(scope: Construct, config: NetworkConfig) -> Subnets:
    """The VPC that is there already; nothing is made in it but security groups."""
    vpc = ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id=str(config.vpc_id),
        availability_zones=list(config.availability_zones),
        private_subnet_ids=list(config.subnet_ids),
    )
    return Subnets(vpc=vpc, subnet_ids=config.subnet_ids)


class Network(Construct):
    """A new VPC.

    It has two public and two private subnets, one or two NAT gateways, a gateway endpoint for S3 (pixels and tables
    never pass NAT), flow logs, and interface endpoints on demand: each costs by the hour in each zone, so that a
    small deployment is cheaper with NAT alone.
    """

    def __init__(self, scope: Construct, name: str, *, config: NetworkConfig) -> None:
        super().__init__(scope, name)
        zones: dict[str, Any] = (
            {"availability_zones": list(config.availability_zones)} if config.availability_zones else {"max_azs": 2}
        )
        public = ec2.SubnetConfiguration(
            name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
        )
        private = ec2.SubnetConfiguration(name="private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20)
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(config.cidr),
            nat_gateways=config.nat_gateways,
            restrict_default_security_group=False,
            subnet_configuration=[public, private],
            **zones,
        )
        vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        if config.interface_endpoints:
            self._add_endpoints(vpc, config.cidr)
        self._add_flow_log(vpc, config.flow_log_days)
        for subnet in vpc.private_subnets:
            Tags.of(subnet).add(EMR_TAG, "true")
        self.subnets = Subnets(vpc=vpc, subnet_ids=tuple(subnet.subnet_id for subnet in vpc.private_subnets))

    def _add_endpoints(self, vpc: ec2.Vpc, cidr: str) -> None:
        group = ec2.SecurityGroup(
            self, "Endpoints", vpc=vpc, description="HTTPS from the VPC to its endpoints", allow_all_outbound=False
        )
        group.add_ingress_rule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(443), "HTTPS from inside")
        for name in _ENDPOINTS:
            vpc.add_interface_endpoint(
                name.title().replace("_", ""),
                service=getattr(ec2.InterfaceVpcEndpointAwsService, name),
                security_groups=[group],
                open=False,
            )

    def _add_flow_log(self, vpc: ec2.Vpc, days: int) -> None:
        group = logs.LogGroup(self, "FlowLog", retention=retention(days), removal_policy=RemovalPolicy.DESTROY)
        role = iam.Role(self, "FlowLogRole", assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"))
        writes = Grant(
            sid="WriteFlowLog",
            why="The flow log service makes a stream for each network interface and writes to it",
            actions=("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
            resources=(group.log_group_arn,),
        )
        policy = give(role, "Policy", [writes])
        log = ec2.CfnFlowLog(
            self,
            "Flow",
            resource_id=vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )
        log.node.add_dependency(policy)


def retention(days: int) -> logs.RetentionDays:
    """CloudWatch's own word for so many days."""
    words = {
        1: "ONE_DAY", 3: "THREE_DAYS", 5: "FIVE_DAYS", 7: "ONE_WEEK", 14: "TWO_WEEKS", 30: "ONE_MONTH",
        60: "TWO_MONTHS", 90: "THREE_MONTHS", 120: "FOUR_MONTHS", 150: "FIVE_MONTHS", 180: "SIX_MONTHS",
        365: "ONE_YEAR", 400: "THIRTEEN_MONTHS", 545: "EIGHTEEN_MONTHS", 731: "TWO_YEARS", 1096: "THREE_YEARS",
        1827: "FIVE_YEARS",
    }  # fmt: skip
    return logs.RetentionDays[words[days]]
