"""The end of a failed step's log, from where EMR puts it in S3. What keeps it from being read is a line, no error.

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
_NOT_THERE = ("NoSuchKey", "404")
_REFUSED = ("AccessDenied", "403", "NoSuchBucket", "AllAccessDisabled", "PermanentRedirect", "InvalidAccessKeyId")
"""Answers that waiting does not change."""
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
    logs = _Logs(s3, parts.netloc)
    while True:
        logs.problem = ""
        found = logs.read(f"{base}/steps/{step_id}/stderr.gz")
        texts = list(_driver_logs(logs, base, found or ""))
        # A step in cluster mode that names an application is waited for until its container's logs are there too.
        is_complete = found is not None and (texts or not _APPLICATION.search(found))
        if is_complete or logs.is_refused or time.monotonic() >= deadline:
            break
        _log.info("waiting for EMR to push the logs of step %s", step_id)
        time.sleep(min(_PAUSE_S, max(0.0, deadline - time.monotonic())))
    text = "\n".join(texts) or found
    unread = [f"(not all of the log could be read: {logs.problem})"] if logs.problem else []
    if not text:
        return "\n".join([f"no log yet; look in {place}", *unread])
    return "\n".join([*text.rstrip().splitlines()[-lines:], *unread, f"(more in {place})"])


def _driver_logs(logs: _Logs, base: str, client_log: str) -> Iterator[str]:
    """Logs of the last attempt's driver container, stdout before stderr."""
    applications = _APPLICATION.findall(client_log)
    if not applications:
        return
    prefix = f"{base}/containers/{applications[-1]}/"
    folders = [key.rpartition("/")[0] for key in logs.keys_below(prefix) if _DRIVER in key]
    for name in ("stdout.gz", "stderr.gz") if folders else ():
        text = logs.read(f"{folders[-1]}/{name}")
        if text:
            yield text


class _Logs:
    """A bucket of logs. `problem` is the last thing that kept one from being read, `is_refused` that it will again.

    Args:
        s3: boto3 S3 client.
        bucket: its name.
    """

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket
        self.problem = ""
        self.is_refused = False

    def keys_below(self, prefix: str) -> list[str]:
        """In order; none where the bucket refuses or does not answer."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))
        except (BotoCoreError, ClientError) as error:
            self._note(prefix, error)
            return []

    def read(self, key: str) -> str | None:
        """The text; None where it is not there, or cannot be read."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            data: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            return gzip.decompress(data).decode("utf-8", errors="replace")
        except (BotoCoreError, ClientError, OSError, EOFError, zlib.error) as error:
            self._note(key, error)
        return None

    def _note(self, key: str, error: Exception) -> None:
        code = getattr(error, "response", {}).get("Error", {}).get("Code")
        if code in _NOT_THERE:
            return
        self.is_refused |= code in _REFUSED
        self.problem = f"s3://{self._bucket}/{key}: {error}"
        _log.warning("cannot read %s", self.problem)
