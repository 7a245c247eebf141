"""EMR's own role: it makes, tags, watches and ends the nodes, and nothing that is not a cluster's.

Narrower than the managed policy of EMR (``AmazonEMRServicePolicy_v2``) in that subnets, security groups and the
nodes' role are named one by one, and in what clusters of ours do not use: key pairs, placement groups, capacity
reservations, dedicated hosts, security groups of EMR's own making, automatic scaling. Like that policy it relies
on EMR handing a cluster's tags on to instances, disks, network interfaces and launch templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.cloud.grants import Grant
from infra.cloud.naming import EMR_TAG, Names, arn, role_arn

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAGGED = {"StringEquals": {f"aws:ResourceTag/{EMR_TAG}": "true"}}
_BEING_TAGGED = {"StringEquals": {f"aws:RequestTag/{EMR_TAG}": "true"}}
_NODES = ("ec2:RunInstances", "ec2:CreateFleet")
_TEMPLATES = ("ec2:CreateLaunchTemplate", "ec2:CreateLaunchTemplateVersion")
_MAKES = ("ec2:CreateLaunchTemplate", "ec2:CreateNetworkInterface")
_LOOKS = (
    "DescribeAccountAttributes", "DescribeDhcpOptions", "DescribeImages",
    "DescribeInstanceTypeOfferings", "DescribeInstances",
    "DescribeLaunchTemplates", "DescribeNetworkAcls", "DescribeNetworkInterfaces", "DescribeRouteTables",
    "DescribeSecurityGroups", "DescribeSubnets", "DescribeVolumeStatus", "DescribeVolumes", "DescribeVpcAttribute",
    "DescribeVpcEndpoints", "DescribeVpcs",
)  # fmt: skip


def grants(names: Names, *, key_arn: str, subnet_ids: Sequence[str], group_ids: Sequence[str]) -> Sequence[Grant]:
    """Everything that EMR may do on its own.

    Args:
        names: Of the deployment.
        key_arn: Key of the nodes' disks.
        subnet_ids: Where clusters may be.
        group_ids: Security groups of primary node, core nodes and service access.
    """
    groups = tuple(arn("ec2", f"security-group/{group}") for group in group_ids)
    subnets = tuple(arn("ec2", f"subnet/{subnet}") for subnet in subnet_ids)
    return (*_launch(subnets, groups), *_own(groups), _pass(names), *_disks(key_arn))


def _launch(subnets: Sequence[str], groups: Sequence[str]) -> tuple[Grant, ...]:
    return (
        Grant(
            sid="LaunchInOwnNetwork",
            why="Nodes start in these subnets with these security groups and nowhere else.",
            actions=("ec2:CreateNetworkInterface", *_NODES, *_TEMPLATES),
            resources=(*subnets, *groups),
        ),
        Grant(
            sid="LaunchFromOwnTemplates",
            why="EMR starts fleets from launch templates it has made; the condition requires a cluster's tag.",
            actions=(*_NODES, "ec2:CreateLaunchTemplateVersion"),
            resources=(arn("ec2", "launch-template/*"),),
            conditions=_TAGGED,
        ),
        Grant(
            sid="MakeTaggedTemplates",
            why="A launch template's id is EC2's to choose; only tagged ones may be made.",
            actions=("ec2:CreateLaunchTemplate",),
            resources=(arn("ec2", "launch-template/*"),),
            conditions=_BEING_TAGGED,
        ),
        Grant(
            sid="LaunchTaggedNodes",
            why="Ids of new instances and disks are EC2's to choose; only tagged ones may be made.",
            actions=_NODES,
            resources=(arn("ec2", "instance/*"), arn("ec2", "volume/*")),
            conditions=_BEING_TAGGED,
        ),
        Grant(
            sid="LaunchParts",
            why="A launch names EMR's image, its fleet and its interfaces, none of which bears a tag by then.",
            actions=(*_NODES, *_TEMPLATES),
            resources=(arn("ec2", "image/ami-*", account=""), arn("ec2", "fleet/*"), arn("ec2", "network-interface/*")),
        ),
        Grant(
            sid="MakeTaggedInterfaces",
            why="Private subnets need an interface for EMR's own way in; only tagged ones may be made.",
            actions=("ec2:CreateNetworkInterface",),
            resources=(arn("ec2", "network-interface/*"),),
            conditions=_BEING_TAGGED,
        ),
    )


def _own(groups: Sequence[str]) -> tuple[Grant, ...]:
    made = tuple(arn("ec2", f"{kind}/*") for kind in ("instance", "launch-template", "network-interface", "volume"))
    return (
        Grant(
            sid="ManageOwnNodes",
            why="EMR ends and changes what it has made for a cluster, known by the cluster's tag.",
            actions=(
                "ec2:CreateLaunchTemplateVersion", "ec2:DeleteLaunchTemplate", "ec2:DeleteNetworkInterface",
                "ec2:DeleteTags", "ec2:ModifyInstanceAttribute", "ec2:TerminateInstances", "ec2:CreateTags",
            ),
            resources=made,
            conditions=_TAGGED,
        ),
        Grant(
            sid="TagWhatIsMade",
            why="Tags may be set in the call that makes a thing, and in no other.",
            actions=("ec2:CreateTags",),
            resources=made,
            conditions={
                "StringEquals": {
                    "ec2:CreateAction": [action.removeprefix("ec2:") for action in (*_NODES, *_MAKES)]
                }
            },
        ),
        Grant(
            sid="Look",
            why="EC2's Describe calls know no resources; they read and change nothing.",
            actions=tuple(f"ec2:{name}" for name in _LOOKS),
            resources=("*",),
        ),
        Grant(
            sid="KeepGroupRules",
            why="EMR adds the rules that a release needs to the security groups it is given, these three.",
            actions=(
                "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress",
            ),
            resources=groups,
        ),
    )  # fmt: skip


def _pass(names: Names) -> Grant:
    return Grant(
        sid="PassNodeRole",
        why="Nodes get their own role, and EMR may pass no other, and to EC2 alone.",
        actions=("iam:PassRole",),
        resources=(role_arn(names.instance_role),),
        conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    )


def _disks(key_arn: str) -> tuple[Grant, ...]:
    return (
        Grant(
            sid="EncryptDisks",
            why="The nodes' disks are made with this key.",
            actions=(
                "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncryptFrom", "kms:ReEncryptTo",
            ),
            resources=(key_arn,),
        ),
        Grant(
            sid="LendKeyToDisks",
            why="EC2 holds a grant on the key while a disk is attached; only AWS's own services may be given one.",
            actions=("kms:CreateGrant",),
            resources=(key_arn,),
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    )  # fmt: skip
