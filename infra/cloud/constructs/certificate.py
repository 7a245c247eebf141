"""The certificate that clusters encrypt their own traffic with."""

from __future__ import annotations

from aws_cdk import CfnCondition, Duration, Fn, Token
from constructs import Construct

from infra.cloud.constructs.function import Function
from infra.cloud.constructs.lake import CERTIFICATES
from infra.cloud.grants import Grant
from infra.cloud.naming import REGION, Names
from infra.cloud.roles.common import use_key

_KEY = f"{CERTIFICATES}nodes.zip"


class Certificate(Construct):
    """Made by a function of its own and kept in the lake's bucket; see ``lambdas/functions/certificate``.

    Args:
        generation: Another one makes another certificate.

    Attributes:
        uri: ``s3://`` URI of the zip, as a security configuration wants it.
    """

    def __init__(self, scope: Construct, name: str, *, names: Names, key_arn: str, generation: int) -> None:
        super().__init__(scope, name)
        function = Function(
            self,
            "Maker",
            module="certificate",
            description="Makes the certificate for traffic between a cluster's nodes",
            timeout=Duration.minutes(5),
            grants=(
                use_key(key_arn, "The object with the private key is encrypted with this key."),
                Grant(
                    sid="MakeKeyPair",
                    why="KMS makes the RSA pair that the certificate is for.",
                    actions=("kms:GenerateDataKeyPair",),
                    resources=(key_arn,),
                ),
                Grant(
                    sid="KeepCertificate",
                    why="The one object that it writes, and removes with the stack.",
                    actions=("s3:PutObject", "s3:DeleteObject"),
                    resources=(f"{names.bucket_arn(names.lake)}/{_KEY}",),
                ),
            ),
        )
        properties = {
            "Bucket": names.lake,
            "Key": _KEY,
            "KmsKey": key_arn,
            "Domain": self._domain(),
            "Generation": generation,
        }
        function.resource(self, "Pair", properties)
        self.uri = f"s3://{names.lake}/{_KEY}"

    def _domain(self) -> str:
        """Where EC2's private names are (VPC guide, "DNS attributes"): us-east-1 has one of its own."""
        first = CfnCondition(self, "FirstRegion", expression=Fn.condition_equals(REGION, "us-east-1"))
        return Token.as_string(Fn.condition_if(first.logical_id, "ec2.internal", f"{REGION}.compute.internal"))
