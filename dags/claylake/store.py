"""Whole objects in the run folder: S3 on AWS and in the stand-in, a plain folder in tests.

Writers write whole objects, so a reader that finds one may trust it.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from claylake.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KEYS_PER_REQUEST = 1000
"""Of a deletion: S3's limit."""
_PARTIAL = ".part"
_making = Lock()


def split_s3(uri: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://`` URI.

    Raises:
        StoreError: if it is not one.
    """
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        msg = f"{uri!r} is not an s3:// URI"
        raise StoreError(msg)
    return parts.netloc, parts.path.lstrip("/")


def _client() -> Any:
    import boto3

    # Clients may be used by threads, but not be made by several at once.
    with _making:
        return boto3.client("s3")


def _path(uri: str) -> Path | None:
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        return Path(parts.path)
    return None


def join(folder: str, *names: str) -> str:
    """`folder` with `names` appended by single slashes."""
    return "/".join([folder.rstrip("/"), *names])


def read(uri: str) -> bytes:
    """The whole object.

    Raises:
        StoreError: if it does not exist or cannot be read; the message names it.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    path = _path(uri)
    try:
        if path is not None:
            return path.read_bytes()
        bucket, key = split_s3(uri)
        body: bytes = _client().get_object(Bucket=bucket, Key=key)["Body"].read()
    except (OSError, BotoCoreError, ClientError) as error:
        msg = f"cannot read {uri}: {error}"
        raise StoreError(msg) from error
    return body


def download(uri: str, target: Path) -> None:
    """Write the whole object to a local file, in parts: it may be larger than memory.

    Raises:
        StoreError: if it does not exist or cannot be read; the message names it.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    path = _path(uri)
    try:
        if path is not None:
            shutil.copyfile(path, target)
            return
        bucket, key = split_s3(uri)
        _client().download_file(bucket, key, str(target))
    except (OSError, Boto3Error, BotoCoreError, ClientError) as error:
        msg = f"cannot read {uri}: {error}"
        raise StoreError(msg) from error


def write(uri: str, data: bytes, content_type: str = "application/octet-stream") -> str:
    """Write the whole object, replacing an older one; gives the URI back.

    Args:
        uri: ``s3://...``, or a path or ``file:`` URI.
        data: the object's bytes.
        content_type: media type that S3 keeps; files have none.

    Raises:
        StoreError: if it cannot be written.
    """
    path = _path(uri)
    with _storing(uri):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(path.name + _PARTIAL)
            partial.write_bytes(data)
            partial.replace(path)
        else:
            bucket, key = split_s3(uri)
            _client().put_object(Bucket=bucket, Key=key, Body=data, ContentType=content_type)
    return uri


@contextmanager
def writing(uri: str, content_type: str = "application/octet-stream") -> Iterator[IO[bytes]]:
    """A file to write a whole object to, however large: it lies on disk until it is stored, all at once.

    Nothing is stored, and an older object stays, where the block ends with an error.

    Args:
        uri: ``s3://...``, or a path or ``file:`` URI.
        content_type: media type that S3 keeps; files have none.

    Raises:
        StoreError: if it cannot be written.
    """
    path = _path(uri)
    with _storing(uri):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(path.name + _PARTIAL)
            try:
                with partial.open("wb") as sink:
                    yield sink
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        else:
            bucket, key = split_s3(uri)
            with tempfile.TemporaryFile() as sink:
                yield sink
                sink.seek(0)
                _client().put_object(Bucket=bucket, Key=key, Body=sink, ContentType=content_type)


@contextmanager
def _storing(uri: str) -> Iterator[None]:
    """What goes wrong inside is a `StoreError` that names the object."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (OSError, BotoCoreError, ClientError) as error:
        msg = f"cannot write {uri}: {error}"
        raise StoreError(msg) from error


def exists(uri: str) -> bool:
    """Whether the object is there.

    Raises:
        StoreError: if that cannot be found out (e.g. access denied).
    """
    from botocore.exceptions import BotoCoreError, ClientError

    path = _path(uri)
    if path is not None:
        return path.is_file()
    bucket, key = split_s3(uri)
    try:
        _client().head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
            return False
        msg = f"cannot look up {uri}: {error}"
        raise StoreError(msg) from error
    except BotoCoreError as error:
        msg = f"cannot look up {uri}: {error}"
        raise StoreError(msg) from error
    return True


def names(folder: str) -> Iterator[str]:
    """URIs of the objects below `folder`, in order."""
    yield from sizes(folder)


def sizes(folder: str) -> dict[str, int]:
    """Bytes of each whole object below `folder`, by URI, in order.

    Raises:
        StoreError: if that cannot be found out (e.g. access denied).
    """
    from botocore.exceptions import BotoCoreError, ClientError

    path = _path(folder)
    if path is not None:
        return {join(folder, item.relative_to(path).as_posix()): size for item, size in _files(path)}
    bucket, prefix = split_s3(folder)
    found: dict[str, int] = {}
    try:
        pages = _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix.rstrip("/") + "/")
        for page in pages:
            found |= {f"s3://{bucket}/{entry['Key']}": int(entry["Size"]) for entry in page.get("Contents", [])}
    except (BotoCoreError, ClientError) as error:
        msg = f"cannot list {folder}: {error}"
        raise StoreError(msg) from error
    return found


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Files and their sizes; without those that are being written, or are deleted meanwhile."""
    for item in sorted(folder.rglob("*")):
        try:
            if item.suffix != _PARTIAL and item.is_file():
                yield item, item.stat().st_size
        except FileNotFoundError:
            continue


def remove(uris: Iterable[str]) -> None:
    """Delete objects; one that is not there does no harm.

    Raises:
        StoreError: if one cannot be deleted; the message names one of them.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    in_bucket: dict[str, list[str]] = {}
    for uri in uris:
        path = _path(uri)
        if path is not None:
            path.unlink(missing_ok=True)
        else:
            bucket, key = split_s3(uri)
            in_bucket.setdefault(bucket, []).append(key)
    for bucket, keys in in_bucket.items():
        for start in range(0, len(keys), _KEYS_PER_REQUEST):
            some = keys[start : start + _KEYS_PER_REQUEST]
            try:
                answer = _client().delete_objects(
                    Bucket=bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
                )
            except (BotoCoreError, ClientError) as error:
                msg = f"cannot delete s3://{bucket}/{some[0]}: {error}"
                raise StoreError(msg) from error
            for refused in answer.get("Errors", []):
                msg = f"cannot delete s3://{bucket}/{refused['Key']}: {refused.get('Message')}"
                raise StoreError(msg)
