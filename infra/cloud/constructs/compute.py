"""What every cluster is given: roles, security groups, and encryption."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_emr as emr
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.cloud.grants import give
from infra.cloud.naming import ACCOUNT, EMR_TAG, Names, arn
from infra.cloud.roles import instance, service

if TYPE_CHECKING:
    from infra.cloud.constructs.network import Subnets


class Groups(Construct):
    """Security groups of clusters in private subnets, with exactly the rules that EMR would add itself.

    A rule of EMR's own adding would not end with the stack, and would hold the groups that it names. Nodes talk to
    each other freely; EMR reaches them on 8443 through the service access group and is reached on 9443 (EMR guide,
    "EMR-managed security groups", private subnets). No other traffic may enter.
    """

    def __init__(self, scope: Construct, name: str, *, subnets: Subnets) -> None:
        super().__init__(scope, name)
        self.primary, self.core, self.service_access = (
            ec2.SecurityGroup(self, kind, vpc=subnets.vpc, description=about, allow_all_outbound=outbound)
            for kind, about, outbound in (
                ("Primary", "Primary nodes of clusters", True),
                ("Core", "Core and task nodes of clusters", True),
                ("ServiceAccess", "EMR itself, on its way to nodes", False),
            )
        )
        nodes = (self.primary, self.core)
        for group in nodes:
            for other in nodes:
                for port in (ec2.Port.all_tcp(), ec2.Port.all_udp(), ec2.Port.all_icmp()):
                    group.add_ingress_rule(other, port, "nodes among each other")
            group.add_ingress_rule(self.service_access, ec2.Port.tcp(8443), "EMR to its agent")
            self.service_access.add_egress_rule(group, ec2.Port.tcp(8443), "EMR to its agent")
        self.service_access.add_ingress_rule(self.primary, ec2.Port.tcp(9443), "agent to EMR")
        for each in (*nodes, self.service_access):
            Tags.of(each).add(EMR_TAG, "true")

    @property
    def ids(self) -> dict[str, str]:
        """Ids by the names that cluster requests use."""
        return {
            "primary": self.primary.security_group_id,
            "core": self.core.security_group_id,
            "service_access": self.service_access.security_group_id,
        }


def security_configuration(
    scope: Construct, *, names: Names, key_arn: str, certificate: str | None
) -> tuple[str, emr.CfnSecurityConfiguration]:
    """Encryption at rest and in transit, and metadata by session tokens only.

    Args:
        scope: Where it belongs.
        names: The deployment's names. Security configurations cannot be changed, only replaced by one of another
            name: so a digest of the content is part of the name.
        key_arn: Key of disks and of objects that Hadoop's file system writes.
        certificate: ``s3://`` URI of a zip of PEM files for the nodes; None leaves the wire to the network cards.

    Returns:
        Its name, and the resource.
    """
    encryption: dict[str, Any] = {
        "EnableAtRestEncryption": True,
        "EnableInTransitEncryption": certificate is not None,
        "AtRestEncryptionConfiguration": {
            "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": key_arn},
            "LocalDiskEncryptionConfiguration": {
                "EncryptionKeyProviderType": "AwsKms",
                "AwsKmsKey": key_arn,
                "EnableEbsEncryption": True,
            },
        },
    }
    if certificate is not None:
        encryption["InTransitEncryptionConfiguration"] = {
            "TLSCertificateConfiguration": {"CertificateProviderType": "PEM", "S3Object": certificate}
        }
    content = {
        "EncryptionConfiguration": encryption,
        "InstanceMetadataServiceConfiguration": {
            "MinimumInstanceMetadataServiceVersion": 2,
            "HttpPutResponseHopLimit": 1,
        },
    }
    text = json.dumps(Stack.of(scope).resolve(content), sort_keys=True)
    name = f"{names.stage}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return name, emr.CfnSecurityConfiguration(scope, "Security", name=name, security_configuration=content)


class Roles(Construct):
    """EMR's role, the nodes' role and its instance profile.

    Args:
        optimized: Whether Glue's optimizers maintain the tables.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        names: Names,
        key_arn: str,
        subnets: Subnets,
        groups: Groups,
        optimized: bool,
    ) -> None:
        super().__init__(scope, name)
        # Only EMR acting for this account: not a confused deputy for another's clusters.
        emr_here = iam.ServicePrincipal(
            "elasticmapreduce.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": arn("elasticmapreduce", "*")},
            },
        )
        self.service = iam.Role(self, "Service", role_name=names.service_role, assumed_by=emr_here)
        allowed = service.grants(
            names, key_arn=key_arn, subnet_ids=subnets.subnet_ids, group_ids=tuple(groups.ids.values())
        )
        self.policies = [give(self.service, "Policy", allowed)]
        self.nodes = iam.Role(
            self, "Node", role_name=names.instance_role, assumed_by=iam.ServicePrincipal("ec2.amazonaws.com")
        )
        self.policies.append(give(self.nodes, "Policy", instance.grants(names, key_arn, optimized=optimized)))
        self.profile = iam.CfnInstanceProfile(
            self, "Profile", instance_profile_name=names.instance_role, roles=[self.nodes.role_name]
        )
