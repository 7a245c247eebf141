"""The end of a failed step's log, from where EMR puts it in S3.

In cluster mode the step's own stderr is spark-submit's; the Python traceback is in the driver's
container, whose application id the former names. EMR pushes logs every few minutes.
"""

from __future__ import annotations

import gzip
import logging
import re
import time
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_APPLICATION = re.compile(r"application_\d+_\d+")
_DRIVER = "_000001/"
_PAUSE_S = 15.0
_log = logging.getLogger(__name__)


def tail(s3: Any, log_uri: str, cluster_id: str, step_id: str, *, lines: int = 40, wait_s: float = 330.0) -> str:
    """Last lines of the driver's log, or of the step's stderr, or a sentence saying where to look.

    Args:
        s3: boto3 S3 client.
        log_uri: the cluster's LogUri.
        cluster_id: ``j-...``.
        step_id: ``s-...``.
        lines: most lines given.
        wait_s: how long to wait for EMR to push the logs.
    """
    parts = urlsplit(log_uri)
    base = f"{parts.path.strip('/')}/{cluster_id}".lstrip("/")
    place = f"s3://{parts.netloc}/{base}/steps/{step_id}/"
    if not parts.netloc:
        return "the cluster keeps no logs (it has no LogUri)"
    deadline = time.monotonic() + wait_s
    while True:
        found = _read(s3, parts.netloc, f"{base}/steps/{step_id}/stderr.gz")
        texts = list(_driver_logs(s3, parts.netloc, base, found or ""))
        # A step in cluster mode that names an application is waited for until its container's logs are there too.
        is_complete = found is not None and (texts or not _APPLICATION.search(found))
        if is_complete or time.monotonic() >= deadline:
            break
        _log.info("waiting for EMR to push the logs of step %s", step_id)
        time.sleep(min(_PAUSE_S, max(0.0, deadline - time.monotonic())))
    text = "\n".join(texts) or found
    if not text:
        return f"no log yet; look in {place}"
    return "\n".join([*text.rstrip().splitlines()[-lines:], f"(more in {place})"])


def _driver_logs(s3: Any, bucket: str, base: str, client_log: str) -> Iterator[str]:
    """Logs of the last attempt's driver container, stdout before stderr."""
    applications = _APPLICATION.findall(client_log)
    if not applications:
        return
    prefix = f"{base}/containers/{applications[-1]}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = sorted(entry["Key"] for page in pages for entry in page.get("Contents", []) if _DRIVER in entry["Key"])
    folders = [key.rpartition("/")[0] for key in keys]
    for name in ("stdout.gz", "stderr.gz") if folders else ():
        text = _read(s3, bucket, f"{folders[-1]}/{name}")
        if text:
            yield text


def _read(s3: Any, bucket: str, key: str) -> str | None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        data: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return gzip.decompress(data).decode("utf-8", errors="replace")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in ("NoSuchKey", "404"):
            _log.warning("cannot read s3://%s/%s: %s", bucket, key, error)
    except (BotoCoreError, OSError, EOFError, zlib.error) as error:
        _log.warning("cannot read s3://%s/%s: %s", bucket, key, error)
    return None
