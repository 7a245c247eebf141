"""A lake to check: its catalogue of tables, its run folders and the STAC catalogue behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.verify.errors import VerifyError


@dataclass(frozen=True, kw_only=True)
class Lake:
    """Where to find published rows, and the items that they were made of.

    Attributes:
        catalog: pyiceberg's catalogue of the tables.
        database: Of the tables.
        runs: URI of the folder of run folders.
        stac: Address of the STAC API; None where there is none to search.
    """

    catalog: Any
    database: str
    runs: str
    stac: str | None

    @classmethod
    def of_deployment(cls, settings: Mapping[str, Any], stac: str | None = None) -> Lake:
        """A deployment on AWS, or the stand-in: credentials, and the stand-in's address, are in the environment.

        Args:
            settings: The content of its `deployed.json`.
            stac: Address of the STAC API, where `settings` names none.

        Raises:
            VerifyError: The document is not of a deployment.
        """
        from pyiceberg.catalog import load_catalog

        deployed = settings.get("deployed")
        missing = [name for name in ("region", "lake", "database") if not (deployed or {}).get(name)]
        if not isinstance(deployed, Mapping) or missing:
            raise VerifyError(f"deployed.json names no {', '.join(missing)} in its section `deployed`")
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        places = {"glue.endpoint": endpoint, "s3.endpoint": endpoint} if endpoint else {}
        region = {"glue.region": deployed["region"], "s3.region": deployed["region"]}
        return cls(
            catalog=load_catalog("lake", type="glue", **region, **places),
            database=str(deployed["database"]),
            runs=f"{str(deployed['lake']).rstrip('/')}/runs",
            stac=settings.get("catalogue", {}).get("url") or stac,
        )

    @classmethod
    def of_folder(cls, folder: Path, database: str = "claylake") -> Lake:
        """A lake in a folder of this machine, as the command `claylake` keeps it.

        Args:
            folder: Of the lake.
            database: Namespace of its tables.

        Raises:
            VerifyError: There is none.
        """
        from pyiceberg.catalog import load_catalog

        catalogue = folder.absolute() / "catalogue.sqlite"
        if not catalogue.is_file():
            raise VerifyError(f"{folder} has no {catalogue.name}: no month was run in this folder")
        return cls(
            catalog=load_catalog("lake", type="sql", uri=f"sqlite:///{catalogue}"),
            database=database,
            runs=f"file://{folder.absolute()}/runs",
            stac=None,
        )

    def manifests(self) -> Iterator[str]:
        """URIs of the manifests of all runs, oldest month first."""
        names = [name for name in self._names() if name.endswith("/scenes.ndjson.gz")]
        yield from sorted(names, key=lambda name: name.split("/")[-3])

    def _names(self) -> Iterator[str]:
        bucket, prefix = _split(self.runs)
        if _of_disk(self.runs):
            yield from (f"file://{path}" for path in sorted(Path(f"/{prefix}").rglob("*")) if path.is_file())
            return
        for page in _s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            yield from (f"s3://{bucket}/{entry['Key']}" for entry in page.get("Contents", []))

    def read(self, uri: str) -> bytes:
        """A whole object of a run folder."""
        bucket, key = _split(uri)
        if _of_disk(uri):
            return Path(f"/{key}").read_bytes()
        body: bytes = _s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.netloc, parts.path.strip("/")


def _of_disk(uri: str) -> bool:
    return urlsplit(uri).scheme == "file"


def _s3() -> Any:
    import boto3

    return boto3.client("s3")
