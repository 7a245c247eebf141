"""Custom resource: files from CDK's asset bucket to where the deployment wants them.

Files are copied by S3 itself, in parts where they are large, so that no byte of them passes this function;
only archives, which are small, are unpacked here. What it has delivered is listed in an object beside the files,
so that a later delivery removes what is no longer in the build, and never what others have put there.
"""

from __future__ import annotations

import io
import json
import logging
import zipfile
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig

from .response import respond

MIB = 1 << 20
PARTS = TransferConfig(multipart_threshold=512 * MIB, multipart_chunksize=256 * MIB, max_concurrency=16)
KEPT_RELEASES = 2
"""This one and the one before: runs under way name theirs."""
log = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: Any) -> None:
    """CloudFormation's request."""
    act = clear if event["RequestType"] == "Delete" else deliver
    respond(event, context, lambda: act(boto3.client("s3"), event["ResourceProperties"]))


def deliver(s3: Any, properties: dict[str, Any]) -> dict[str, str]:
    """Copy, unpack and write everything; then remove what an earlier delivery left and this one does not have.

    Returns the version of each key in `Versions`, as ``Version.<key>``.
    """
    bucket, kept = properties["Bucket"], []
    for item in properties.get("Objects", []):
        source = {"Bucket": item["SourceBucket"], "Key": item["SourceKey"]}
        s3.copy(source, bucket, item["Key"], Config=PARTS)
        kept.append(item["Key"])
    for item in properties.get("Archives", []):
        kept += unpack(s3, bucket, item)
    for item in properties.get("Texts", []):
        s3.put_object(Bucket=bucket, Key=item["Key"], Body=item["Body"].encode(), ContentType="application/json")
        kept.append(item["Key"])
    remove(s3, bucket, sorted(set(listed(s3, properties)) - set(kept)))
    s3.put_object(Bucket=bucket, Key=listing(properties), Body=json.dumps(sorted(kept)).encode())
    prune(s3, properties)
    return {
        f"Version.{key}": s3.head_object(Bucket=bucket, Key=key)["VersionId"] for key in properties.get("Versions", [])
    }


def clear(s3: Any, properties: dict[str, Any]) -> dict[str, str]:
    """Remove what was delivered, and every release."""
    remove(s3, properties["Bucket"], [*listed(s3, properties), listing(properties)])
    for folder in releases(s3, properties):
        remove(s3, properties["Bucket"], keys(s3, properties["Bucket"], folder))
    return {}


def unpack(s3: Any, bucket: str, item: dict[str, str]) -> list[str]:
    """Put the files of an archive below its prefix; gives their keys.

    Args:
        s3: boto3 client.
        bucket: Where to.
        item: The zip archive's `SourceBucket` and `SourceKey`, and the `Prefix`, without a slash at its end.
    """
    body = s3.get_object(Bucket=item["SourceBucket"], Key=item["SourceKey"])["Body"].read()
    put = []
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for name in archive.namelist():
            if not name.endswith("/"):
                put.append(f"{item['Prefix']}/{name}")
                s3.put_object(Bucket=bucket, Key=put[-1], Body=archive.read(name))
    return put


def prune(s3: Any, properties: dict[str, Any]) -> None:
    """Of the releases below `Releases`, keep the newest few, this one among them."""
    folders = releases(s3, properties)
    for folder in folders[: max(0, len(folders) - KEPT_RELEASES)]:
        if folder != properties["Release"]:
            log.info("removing release %s", folder)
            remove(s3, properties["Bucket"], keys(s3, properties["Bucket"], folder))


def releases(s3: Any, properties: dict[str, Any]) -> list[str]:
    """Folders of releases, the one delivered last at the end; none where there are no releases here."""
    if not properties.get("Releases"):
        return []
    newest: dict[str, Any] = {}
    root = properties["Releases"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=properties["Bucket"], Prefix=root):
        for entry in page.get("Contents", []):
            folder = root + entry["Key"][len(root) :].partition("/")[0] + "/"
            newest[folder] = max(newest.get(folder, entry["LastModified"]), entry["LastModified"])
    return sorted(newest, key=lambda folder: newest[folder])


def listed(s3: Any, properties: dict[str, Any]) -> list[str]:
    """Keys of the delivery before; of releases, only those of the same one."""
    try:
        body = s3.get_object(Bucket=properties["Bucket"], Key=listing(properties))["Body"].read()
    except s3.exceptions.NoSuchKey:
        return []
    return list(json.loads(body))


def listing(properties: dict[str, Any]) -> str:
    """Key of the object that lists a delivery."""
    return f"{properties.get('Release', '')}.delivered-{properties['Name']}.json"


def keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    """Keys of the objects below a prefix.

    Args:
        s3: boto3 client.
        bucket: Name of the bucket.
        prefix: What the keys begin with.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def remove(s3: Any, bucket: str, names: list[str]) -> None:
    """Delete objects by their keys.

    Args:
        s3: boto3 client.
        bucket: Name of the bucket.
        names: Keys, any number of them.

    Raises:
        RuntimeError: S3 has not deleted one.
    """
    for start in range(0, len(names), 1000):
        batch = [{"Key": name} for name in names[start : start + 1000]]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        if answer.get("Errors"):
            raise RuntimeError(f"{bucket}: not deleted: {answer['Errors'][:3]}")
