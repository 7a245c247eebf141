"""GDAL's settings, cache and network counters: all that is particular to GDAL."""

from __future__ import annotations

import ctypes
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Self

import rasterio
import rasterio._base as _linked

if TYPE_CHECKING:
    from types import TracebackType

OPTIONS: dict[str, str | int] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "CPL_VSIL_NETWORK_STATS_ENABLED": "YES",
    "GDAL_CACHEMAX": 32 * 1024 * 1024,
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    # Few and soon, for a lone refusal: GDAL heeds neither `Retry-After` nor other threads; `persistence` does.
    "GDAL_HTTP_MAX_RETRY": "2",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    # What drips is ended early, what flows slowly is not.
    "GDAL_HTTP_LOW_SPEED_TIME": "15",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1000",
    "GDAL_HTTP_TIMEOUT": "300",
}
"""GDAL's names. The cache is in bytes, and small: `block_rows` keeps what is needed again."""


def environment() -> AbstractContextManager[object, None]:
    """GDAL's settings as a context. They belong to a thread: enter one in each."""
    settings: AbstractContextManager[object, None] = rasterio.Env(**OPTIONS)
    return settings


def forget(path: str) -> None:
    """Drop what GDAL keeps of a remote file (``VSICurlPartialClearCache``).

    Else a range whose connection was cut stays cut: reading it again, even of a file opened anew, sends no request.
    """
    library = _library()
    library.VSICurlPartialClearCache.restype = None
    library.VSICurlPartialClearCache.argtypes = [ctypes.c_char_p]
    library.VSICurlPartialClearCache(path.encode())


class RangeFile:
    """Bytes of a file, on disk or remote, by GDAL's own requests and settings; a context manager.

    Args:
        path: GDAL's name of it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._library = _library()
        self._library.VSIFOpenL.restype = ctypes.c_void_p
        self._library.VSIFOpenL.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
        self._library.VSIFSeekL.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int]
        self._library.VSIFReadL.restype = ctypes.c_size_t
        self._library.VSIFReadL.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
        self._library.VSIFCloseL.argtypes = [ctypes.c_void_p]

    def __enter__(self) -> Self:
        self._file: int | None = self._library.VSIFOpenL(self._path.encode(), b"rb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._library.VSIFCloseL(self._file)

    def read(self, offset: int, size: int) -> bytearray:
        """Bytes from an offset on: fewer where there are no more, or where they cannot be had."""
        data = bytearray(size)
        if not self._file or self._library.VSIFSeekL(self._file, offset, 0):
            return bytearray()
        got = self._library.VSIFReadL((ctypes.c_char * size).from_buffer(data), 1, size, self._file)
        return data if got == size else data[:got]


def _library() -> ctypes.CDLL:
    # rasterio does not wrap these functions, but its module is linked with the library that has them.
    return ctypes.CDLL(_linked.__file__)


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What GDAL fetched over the network: requests sent, and bytes of their answers' bodies."""

    requests: int = 0
    downloaded: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(requests=self.requests + other.requests, downloaded=self.downloaded + other.downloaded)

    def __sub__(self, earlier: Traffic) -> Traffic:
        return Traffic(requests=self.requests - earlier.requests, downloaded=self.downloaded - earlier.downloaded)


_counted = Traffic()
_counting = Lock()


def traffic() -> Traffic:
    """What this process fetched so far; files on disk do not count.

    GDAL keeps counters of each file that it ever fetched from (``VSINetworkStatsGetAsSerializedJSON``). They are added
    to ours and reset, so that a call costs the files since the last one. Between the two steps no request may be under
    way: it would not count.
    """
    global _counted  # noqa: PLW0603 - as GDAL's own counters, which it takes over, it belongs to the process
    library = _library()
    library.VSINetworkStatsGetAsSerializedJSON.restype = ctypes.c_void_p
    library.VSINetworkStatsGetAsSerializedJSON.argtypes = [ctypes.c_void_p]
    library.VSINetworkStatsReset.restype = None
    library.VSIFree.argtypes = [ctypes.c_void_p]
    with _counting:
        pointer = library.VSINetworkStatsGetAsSerializedJSON(None)
        library.VSINetworkStatsReset()
        try:
            statistics: dict[str, dict[str, dict[str, int]]] = json.loads(ctypes.string_at(pointer))
        finally:
            library.VSIFree(pointer)
        methods = statistics.get("methods", {})
        _counted += Traffic(
            requests=sum(method.get("count", 0) for method in methods.values()),
            downloaded=sum(method.get("downloaded_bytes", 0) for method in methods.values()),
        )
        return _counted
