"""How far a step is: the small object that it keeps in the run folder, as a line for people.

The triggerer has no ``dags/`` on its path. So the object is read by its keys, those of
`claylake.run.progress.Progress`; a property test holds both to the same line.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_PATIENCE_S: Final = 10.0
"""For one request: a bucket that does not answer must not hold up the wait for the step."""
_ABSENT: Final = ("404", "NoSuchKey")
_UNCHANGED: Final = "304"


class UnreadableError(Exception):
    """The object is refused, cannot be fetched, or is not what a step writes."""


def hook(region: str | None) -> Any:
    """The provider's hook for S3, with the default credentials and no connection."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    return AwsBaseHook(aws_conn_id=None, client_type="s3", region_name=region)


class StepProgress:
    """Reads a step's object, and gives its line when that has changed. An unchanged object is not sent again.

    Args:
        s3: async client of S3.
        uri: ``s3://`` address of the object.
        job: the step's job. The steps of a run share the object.
    """

    def __init__(self, s3: Any, uri: str, job: str) -> None:
        parts = urlsplit(uri)
        self._s3 = s3
        self._object = {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
        self._job = job
        self._etag = ""
        self.line = ""

    async def news(self, since: datetime) -> str:
        """The step's line, if it differs from the last one; else an empty string.

        Args:
            since: when the step began; what lies there from before is of an earlier attempt.

        Raises:
            UnreadableError: see there; what is merely missing is not an error.
        """
        from aiohttp import ClientError as BrokenConnectionError
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            async with asyncio.timeout(_PATIENCE_S):
                body = await self._changed(since)
        except (BotoCoreError, BrokenConnectionError, ClientError, OSError) as error:
            raise UnreadableError(f"{type(error).__name__}: {error}") from error
        try:
            document = json.loads(body) if body else {"step": ""}
            line = text(document) if document["step"] == self._job else self.line
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise UnreadableError(f"{type(error).__name__}: {error}") from error
        if line == self.line:
            return ""
        self.line = line
        return line

    async def _changed(self, since: datetime) -> bytes:
        """The object, if it was written since then, and is another one than the last; else nothing."""
        from botocore.exceptions import ClientError

        condition = {"IfNoneMatch": self._etag} if self._etag else {}
        try:
            answer = await self._s3.get_object(**self._object, **condition)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in (*_ABSENT, _UNCHANGED):
                return b""
            raise
        async with answer["Body"] as stream:
            body: bytes = await stream.read()
        self._etag = answer["ETag"]
        # S3 gives whole seconds.
        return body if answer["LastModified"] >= since.replace(microsecond=0) else b""


def text(document: Mapping[str, Any]) -> str:
    """What `Progress.text` of the object is, e.g. ``read chips: 120 of 171 chips, 4.1/s, 36.5 MB, 12 s left``.

    Raises:
        ArithmeticError, LookupError, TypeError, ValueError: if a step has not written it.
    """
    unit, done, total, rate = (document[key] for key in ("unit", "done", "total", "per_second"))
    parts = []
    if unit:
        parts.append(f"{done:,} {unit}" if total is None else f"{done:,} of {total:,} {unit}")
    if rate:
        parts.append(f"{rate:,.1f}/s")
    if document["downloaded"]:
        parts.append(f"{document['downloaded'] / 1e6:,.1f} MB")
    left = max(0, total - done) / rate if rate and total is not None else 0
    if left:
        parts.append(f"{left:,.0f} s left")
    return str(document["stage"]) + (": " + ", ".join(parts) if parts else "")
