"""Files on their way into the deployment's buckets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import AssetHashType, CustomResource, Duration, Stack
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.cloud.constructs.function import Function
from infra.cloud.constructs.lake import ARTIFACTS
from infra.cloud.grants import Grant
from infra.cloud.naming import Names
from infra.cloud.roles.common import use_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.cloud.dist import Dist


class Courier(Construct):
    """The function that delivers; see ``lambdas/functions/delivery``."""

    def __init__(self, scope: Construct, name: str, *, names: Names, key_arn: str) -> None:
        super().__init__(scope, name)
        places = (names.objects(names.lake, ARTIFACTS), names.objects(names.airflow))
        staged = names.bucket_arn(f"{_asset_bucket(self)}/*")
        self.function = Function(
            self,
            "Delivery",
            module="delivery",
            description="Copies built files from CDK's asset bucket to the deployment's buckets",
            timeout=Duration.minutes(15),
            memory_mib=1024,
            grants=(
                use_key(key_arn, "Both buckets that it delivers to are encrypted with this key."),
                Grant(
                    sid="ReadStaged",
                    why="Files of a build lie in CDK's asset bucket under names made of their digests.",
                    actions=("s3:GetObject",),
                    resources=(staged,),
                ),
                Grant(
                    sid="Deliver",
                    why="Builds go below artifacts/ of the lake and into Airflow's bucket, never to tables or runs.",
                    actions=("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
                    resources=places,
                ),
                Grant(
                    sid="List",
                    why="Old releases are found by listing them.",
                    actions=("s3:ListBucket",),
                    resources=(names.bucket_arn(names.lake), names.bucket_arn(names.airflow)),
                ),
            ),
        )  # fmt: skip

    def deliver(
        self,
        name: str,
        *,
        bucket: str,
        objects: Mapping[str, assets.Asset] | None = None,
        archives: Mapping[str, assets.Asset] | None = None,
        texts: Mapping[str, str] | None = None,
        versions: Sequence[str] = (),
        release: str | None = None,
    ) -> CustomResource:
        """One delivery.

        Args:
            name: Its name.
            bucket: Where to.
            objects: Key to file.
            archives: Prefix to zip archive, which is unpacked.
            texts: Key to content, which may hold references.
            versions: Keys whose object versions are returned, as attributes ``Version.<key>``.
            release: Folder of a release, ``<root>/<release>``; older ones beside it are removed but for one.
        """
        properties: dict[str, Any] = {
            "Bucket": bucket,
            "Objects": [{"Key": key, **_source(asset)} for key, asset in (objects or {}).items()],
            "Archives": [{"Prefix": prefix, **_source(asset)} for prefix, asset in (archives or {}).items()],
            "Texts": [{"Key": key, "Body": body} for key, body in (texts or {}).items()],
            "Versions": list(versions),
        }
        if release:
            properties |= {"Release": f"{release}/", "Releases": f"{release.rpartition('/')[0]}/"}
        return self.function.resource(self, name, properties)


def staged(scope: Construct, dist: Dist, names: Sequence[str]) -> dict[str, assets.Asset]:
    """Files of a build as assets; their digests come from the manifest, so that gigabytes are not read again.

    Args:
        scope: Where to make them.
        dist: The build.
        names: Of the files, as in the build's manifest.
    """
    folder = Construct(scope, "Files")
    return {
        name: assets.Asset(
            folder,
            name.replace("/", "."),
            path=str(dist.folder / name),
            asset_hash=dist.files[name],
            asset_hash_type=AssetHashType.CUSTOM,
        )
        for name in names
    }


def archive(scope: Construct, name: str, folder: Path) -> assets.Asset:
    """A folder as a zip archive.

    Args:
        scope: Where to make it.
        name: Id of the asset in the scope.
        folder: What to put into the archive.
    """
    return assets.Asset(scope, name, path=str(folder))


def _source(asset: assets.Asset) -> dict[str, str]:
    return {"SourceBucket": asset.s3_bucket_name, "SourceKey": asset.s3_object_key}


def _asset_bucket(scope: Construct) -> str:
    """Name of CDK's asset bucket, as the default synthesizer has it."""
    stack = Stack.of(scope)
    qualifier = stack.node.try_get_context("@aws-cdk/core:bootstrapQualifier") or "hnb659fds"
    return f"cdk-{qualifier}-assets-{stack.account}-{stack.region}"
