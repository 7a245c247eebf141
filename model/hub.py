"""Queries to the hub, and downloads from it.

`huggingface_hub` knows the hub's address (`HF_ENDPOINT` names another), its protocol and its redirects, and shows
progress. Its own download begins anew in each process, so the part file and what is resumed are ours.
"""

import errno
import importlib
import io
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.errors import FetchError
from model.pin import Pin

log = logging.getLogger(__name__)

_COMMIT, _SHA256 = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")
SMALL = 1_000_000
"""Bytes that a text file may have."""
_OF_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM)


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file on the hub, as the hub describes it.

    Attributes:
        url: Its address at the commit, which stays the same when the branch moves on.
        commit: 40 hexadecimal digits.
        size: Bytes.
        sha256: 64 hexadecimal digits; None where the hub does not state it.
    """

    url: str
    commit: str
    size: int
    sha256: str | None


def look_up(pin: Pin, endpoint: str | None) -> Remote:
    """Query the hub for a file.

    Raises:
        FetchError: It cannot be reached, lacks the file, or does not answer as a hub does.
    """
    url, about = _query(pin, endpoint)
    if about.size is None:
        raise FetchError(f"{url} has no size; is this a hub?")
    etag = about.etag or ""
    return Remote(
        url=url,
        commit=str(about.commit_hash),
        size=int(about.size),
        sha256=etag if _SHA256.fullmatch(etag) else None,
    )


def _query(pin: Pin, endpoint: str | None) -> tuple[str, Any]:
    """A file's address at the commit, and the library's `HfFileMetadata`."""
    hub = _library()
    url = hub.hf_hub_url(pin.repo, pin.file, revision=pin.revision or "main", endpoint=endpoint)
    with _explained(hub, f"{pin.file} of {pin.repo}", url):
        about = hub.get_hf_file_metadata(url, token=False, endpoint=endpoint)
    if not _COMMIT.fullmatch(about.commit_hash or "") or (pin.revision and about.commit_hash != pin.revision):
        raise FetchError(
            f"{url} is of revision {about.commit_hash}, not {pin.revision or 'any commit'}; is this a hub?"
        )
    return str(hub.hf_hub_url(pin.repo, pin.file, revision=about.commit_hash, endpoint=endpoint)), about


def download(remote: Remote, target: Path) -> None:
    """Fetch what `look_up` found into a part file, beginning where a former attempt ended, and then name it `target`.

    Raises:
        FetchError: It broke off; the part file stays.
    """
    hub, size = _library(), remote.size
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    begun = part.stat().st_size
    if begun > size:
        part.unlink()
        part.touch()
        begun = 0
    if begun:
        log.info("resuming %s at %.0f of %.0f MB", target.name, begun / 1e6, size / 1e6)
    with _explained(hub, target.name, remote.url), part.open("r+b") as file:
        file.seek(begun)
        hub.http_get(remote.url, file, resume_size=begun, headers={}, expected_size=size)
    part.replace(target)


def read_beside(pin: Pin, endpoint: str | None, name: str) -> str | None:
    """Text of another, small file of a pin's repository and revision; None where there is none.

    Args:
        pin: Gives repository and revision; its own file does not count.
        endpoint: Address of the hub; None for the library's usual one.
        name: Path of the file in the repository.

    Raises:
        FetchError: The hub cannot be reached, or the file is large.
    """
    try:
        url, about = _query(replace(pin, file=name), endpoint)
    except FetchError as error:
        if error.status == 404:
            return None
        raise
    hub, content = _library(), io.BytesIO()
    if about.size is not None:  # the hub states none of texts that it packs
        _require_small(url, about.size)
    with _explained(hub, name, url):
        hub.http_get(url, content, headers={}, expected_size=about.size)
    _require_small(url, content.tell())
    return content.getvalue().decode("utf-8", errors="replace")


def _require_small(url: str, size: int) -> None:
    if size > SMALL:
        raise FetchError(f"{url} has {size} bytes; a text of at most {SMALL} is expected there")


def _library() -> Any:
    """Import it with everything off that is not needed; it reads its switches when imported."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for each request would bury what is to be read
    return importlib.import_module("huggingface_hub.file_download")


@contextmanager
def _explained(hub: Any, what: str, url: str) -> Iterator[None]:
    """Turn what the network and the hub can raise into one clear error."""
    try:
        yield
    except (hub.httpx2.HTTPError, OSError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        if status is not None:
            raise FetchError(f"the hub answered {status} for {what} ({url}): {first}", status) from error
        if getattr(error, "errno", None) in _OF_DISK:
            raise FetchError(f"{what} cannot be written: {first}; make room or mend the folder, and repeat") from error
        raise FetchError(
            f"{what} cannot be had from {url}: {first}. Is there internet? Behind a mirror, set HF_ENDPOINT. "
            "What was fetched so far is kept, and the next attempt goes on from there"
        ) from error
