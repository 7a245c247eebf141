"""Files of the local S3 on the local disk, fetched once for each version."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.local.errors import ArtefactError

_log = logging.getLogger(__name__)


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://`, `s3a://` or `s3n://` URI."""
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


class ArtefactCache:
    """Fetches objects into a folder, one entry for each URI and ETag.

    Args:
        s3: A boto3 S3 client.
        folder: Where the copies lie; it may outlive the stack.
    """

    def __init__(self, s3: Any, folder: Path) -> None:  # boto3 clients carry no types
        self._s3 = s3
        self._folder = folder

    def fetch(self, uri: str) -> Path:
        """A local copy of the object, under its own file name.

        Raises:
            ArtefactError: There is no such object.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = split_uri(uri)
        try:
            etag = self._s3.head_object(Bucket=bucket, Key=key)["ETag"]
            entry = hashlib.sha256(f"{uri} {etag}".encode()).hexdigest()[:20]
            path = self._folder / entry / Path(key).name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
                    self._s3.download_fileobj(bucket, key, part)
                Path(part.name).replace(path)
                _log.info("fetched %s (%d bytes)", uri, path.stat().st_size)
        except (ClientError, BotoCoreError) as error:
            raise ArtefactError(f"cannot fetch {uri}: {error}") from error
        return path
