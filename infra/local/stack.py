"""The whole local stack, started and stopped as one."""

from __future__ import annotations

import json
import logging
import os
from contextlib import ExitStack
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from moto.moto_api._internal.models import moto_api_backend

from infra.local.aws.calls import Calls
from infra.local.aws.control import Control
from infra.local.aws.faults import Faults
from infra.local.aws.file_buckets import FileBuckets
from infra.local.aws.kept_reports import KeptReports
from infra.local.aws.lazy_emr import LazyEmr
from infra.local.aws.server import Gateway, Server
from infra.local.catalogue.items import read_items
from infra.local.catalogue.server import StacServer
from infra.local.deployed import DEMO_MODEL, LAKE, deployed_settings
from infra.local.errors import StackError
from infra.local.glue import calls as glue_calls
from infra.local.glue.optimizers import Optimizers
from infra.local.options import (
    COG_BUCKET,
    CREDENTIALS,
    DATABASE,
    LAKE_BUCKET,
    REGION,
    StackOptions,
    aws_environment,
)
from model.format import DESCRIPTION

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_log = logging.getLogger(__name__)
READABLE_RUNS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{LAKE_BUCKET}/runs/*",
        }
    ],
}
"""Bucket policy: browsers, which sign nothing, may read run folders. So links in Airflow's UI open the reports."""


class Stack:
    """Context manager: inside it the stack runs and `info` says where.

    One at a time in a process, because moto keeps its state by process.

    Args:
        options: Where it lives and what it serves.

    Raises:
        StackError: The port is taken, or a given folder does not exist.
        CatalogueError: The STAC server does not work.
    """

    def __init__(self, options: StackOptions) -> None:
        self._options = replace(options, root=options.root.resolve())
        self._stops = ExitStack()
        self.info: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start everything and write `stack.json` last."""
        for folder in (self._options.data, self._options.artifacts):
            if folder is not None and not folder.is_dir():
                raise StackError(f"folder {folder} does not exist")
        moto_api_backend.reset()
        self._options.root.mkdir(parents=True, exist_ok=True)
        try:
            self._start()
        except BaseException:
            self._stops.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything, and every process it started."""
        self._stops.close()

    def _start(self) -> None:
        options = self._options
        try:
            server = Server(options.port)
        except OSError as error:
            raise StackError(f"cannot listen on port {options.port}: {error}") from error
        self._stops.callback(server.stop)
        endpoint, faults = server.url, Faults()
        s3 = _client("s3", endpoint)
        emr = LazyEmr(options, endpoint=endpoint, s3=s3, faults=faults)
        self._stops.callback(emr.stop)
        buckets = FileBuckets({COG_BUCKET: options.data} if options.data else {})
        calls, optimizers = Calls(), Optimizers()
        glue_calls.install(optimizers)
        control = Control(
            faults=faults,
            reads=buckets.counts,
            calls=calls,
            steps=lambda: emr.get().running_steps(),
            optimizers=optimizers,
        )
        reports = KeptReports(LAKE_BUCKET, options.reports) if options.reports else None
        server.start(Gateway(buckets=buckets, control=control, calls=calls, emr_ready=emr.get, reports=reports))
        cogs_url = f"{endpoint}/{COG_BUCKET}"
        items = read_items(options.data, cogs_url) if options.data else []
        stac = StacServer(options.root / "stac", items, options.stac_port)
        self._stops.callback(stac.stop)
        s3.create_bucket(Bucket=LAKE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_policy(Bucket=LAKE_BUCKET, Policy=json.dumps(READABLE_RUNS))
        _client("glue", endpoint).create_database(DatabaseInput={"Name": DATABASE})
        if options.artifacts:
            _upload(s3, options.artifacts)
        stac.wait()
        self._describe(endpoint, stac.url, cogs_url, len(items))
        Thread(target=emr.get, name="emr", daemon=True).start()

    def _describe(self, endpoint: str, stac_url: str, cogs_url: str, items: int) -> None:
        root = self._options.root
        settings = deployed_settings(
            stac_url=stac_url, python=self._options.spark_python, model=_model(self._options.artifacts)
        )
        deployed = root / "deployed.json"
        _write(deployed, settings)
        self.info = {
            "endpoint": endpoint,
            "stac_url": stac_url,
            "cogs_url": cogs_url,
            "items": items,
            "lake": LAKE,
            "artifacts": settings["deployed"]["artifacts"],
            "database": DATABASE,
            "root": str(root),
            "pid": os.getpid(),
            "env": {**aws_environment(endpoint), "CLAYLAKE_DEPLOYED": str(deployed)},
        }
        _write(root / "stack.json", self.info)
        self._stops.callback((root / "stack.json").unlink, missing_ok=True)
        _log.info("stack at %s, catalogue at %s with %d items", endpoint, stac_url, items)


def _client(service: str, endpoint: str) -> Any:  # boto3 clients carry no types
    import boto3
    from botocore.config import Config

    credentials = {name.lower(): value for name, value in CREDENTIALS.items()}
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        config=Config(retries={"max_attempts": 2}, max_pool_connections=16),
        **credentials,
    )


def _model(artifacts: Path | None) -> str:
    """The encoder among the artefacts, where there is just one."""
    descriptions = list((artifacts / "model").glob(f"*/{DESCRIPTION}")) if artifacts else []
    return descriptions[0].parent.name if len(descriptions) == 1 else DEMO_MODEL


def _upload(s3: Any, folder: Path) -> None:
    from boto3.s3.transfer import TransferConfig

    # One part for each file: moto would keep parts and whole of a multipart upload.
    whole = TransferConfig(multipart_threshold=5 << 30)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        key = f"artifacts/{path.relative_to(folder).as_posix()}"
        s3.upload_file(str(path), LAKE_BUCKET, key, Config=whole)
    _log.info("uploaded %d artefacts", len(files))


def _write(path: Path, document: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document, indent=2))
    part.replace(path)
