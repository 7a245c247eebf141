"""Custom resource: a certificate for the traffic between a cluster's nodes, zipped as EMR wants it.

KMS makes the key pair; the private key is written to one encrypted object, which only the nodes' role may read,
and nowhere else.
"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from . import x509
from .response import respond

YEARS = 10


def handler(event: dict[str, Any], context: Any) -> None:
    """CloudFormation's request."""
    respond(event, context, lambda: work(event))


def work(event: dict[str, Any]) -> dict[str, str]:
    """Make the certificate anew, or remove it."""
    properties = event["ResourceProperties"]
    s3 = boto3.client("s3")
    if event["RequestType"] == "Delete":
        s3.delete_object(Bucket=properties["Bucket"], Key=properties["Key"])
        return {}
    pair = boto3.client("kms").generate_data_key_pair(
        KeyId=properties["KmsKey"], KeyPairSpec="RSA_2048", EncryptionContext={"purpose": "emr-in-transit"}
    )
    body = archive(properties["Domain"], pair["PrivateKeyPlaintext"], pair["PublicKey"], datetime.now(UTC))
    s3.put_object(Bucket=properties["Bucket"], Key=properties["Key"], Body=body)
    return {}


def archive(domain: str, private_key: bytes, public_key: bytes, now: datetime) -> bytes:
    """The zip of PEM files (EMR guide, "Providing certificates for encrypting data in transit").

    Args:
        domain: DNS domain of the nodes; the certificate is for all names directly below it.
        private_key: PKCS#8, DER.
        public_key: SubjectPublicKeyInfo, DER.
        now: UTC.
    """
    made = x509.certificate(
        f"*.{domain}",
        key=x509.RsaKey.read(private_key),
        public_key=public_key,
        start=now - timedelta(hours=1),
        end=now.replace(year=now.year + YEARS, day=min(now.day, 28)),
    )
    chain = x509.pem("CERTIFICATE", made)
    files = {
        "privateKey.pem": x509.pem("PRIVATE KEY", private_key),
        "certificateChain.pem": chain,
        "trustedCertificates.pem": chain,
    }
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return body.getvalue()
