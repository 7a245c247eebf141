"""How a host answers for a file, requested once more: GDAL reports neither the status of a read nor `Retry-After`."""

from __future__ import annotations

import email.utils
import re
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException

import rasterio
from rasterio.errors import RasterioError

_ANSWER_S = 10.0
_WEB = "/vsicurl/"
_STATUS = re.compile(r"HTTP response code: (\d{3})")
_WHOLE, _PART = 200, 206
_BUSY = frozenset({429, 500, 502, 503, 504})
_LATER = frozenset({408, 416, 425}) | _BUSY
"""Statuses after which the same request may go well."""
_ADVICE = {
    _WHOLE: "the host serves no parts of files (byte ranges)",
    _PART: "the host serves the file, but what came could not be read",
    401: "the host wants credentials",
    403: "access is denied: has the address's signature expired, does the bucket's requester pay "
    "(AWS_REQUEST_PAYER=requester), and may the nodes' role read it?",
    404: "there is no such file",
    410: "the file is gone for good",
    416: "the file is shorter than it was",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a host answers for a file.

    `status`: of HTTP; None where there was no answer. `text`: for people. `retry_after_s`: as the host wants, seconds.
    """

    status: int | None
    text: str
    retry_after_s: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether trying again would give the same."""
        return self.status == _WHOLE or (
            self.status is not None and 400 <= self.status < 500 and self.status not in _LATER
        )

    @property
    def is_busy(self) -> bool:
        """Whether the host is there, and cannot serve now."""
        return self.status in _BUSY

    @property
    def is_good(self) -> bool:
        """Whether the host serves the file."""
        return self.status == _PART


def answer_for(path: str, error: str) -> Answer:
    """Request a byte of the file that GDAL could not open or read.

    Args:
        path: GDAL's name of it.
        error: GDAL's message. A status in it counts more than this answer.
    """
    said = _STATUS.search(error)
    answer = _requested(path.removeprefix(_WEB)) if path.startswith(_WEB) else _opened(path)
    return _of(int(said[1]), answer.retry_after_s) if said else answer


def _requested(url: str) -> Answer:
    request = urllib.request.Request(url, headers={"Range": "bytes=0-0"})  # noqa: S310 - http and https only
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:  # noqa: S310
            return _of(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return _of(refused.code, _seconds(refused.headers["Retry-After"]))
    except urllib.error.URLError as failure:
        return Answer(status=None, text=_why(failure.reason))
    except (OSError, HTTPException) as failure:
        return Answer(status=None, text=_why(failure))


def _opened(path: str) -> Answer:
    """Of a bucket's file, to which requests must be signed: GDAL does that."""
    try:
        rasterio.open(path).close()
    except RasterioError as error:
        said = _STATUS.search(str(error.__cause__ or error))
        return _of(int(said[1])) if said else Answer(status=None, text="no complete answer")
    return _of(_PART)


def _of(status: int, retry_after_s: float | None = None) -> Answer:
    text = f"HTTP {status}" + (f", {_ADVICE[status]}" if status in _ADVICE else "")
    return Answer(status=status, text=text, retry_after_s=retry_after_s)


def _seconds(value: str | None) -> float | None:
    """`Retry-After`, which is seconds or a date (RFC 9110, 10.2.3); None where it is neither."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None


def _why(reason: object) -> str:
    if isinstance(reason, socket.gaierror):
        return "the host's name cannot be resolved (DNS)"
    if isinstance(reason, ConnectionRefusedError):
        return "the host refuses connections"
    if isinstance(reason, TimeoutError):
        return f"the host does not answer within {_ANSWER_S:.0f} s"
    if isinstance(reason, ssl.SSLError):
        return f"no secure connection: {reason}"
    return f"the connection fails: {reason!r}"
