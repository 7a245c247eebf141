"""A gzip file as a row of members of one block each, which every reader takes as one stream (RFC 1952, section 2.2).

So blocks are compressed side by side, and the bytes do not depend on how many processors did it. They
do depend on zlib; `compressor` says on what.
"""

from __future__ import annotations

import io
import os
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO

LEVEL = 6
BLOCK = 4 << 20
_GZIP = 31
"""zlib's window bits for a gzip header without name or time."""


def compressor() -> str:
    """What, beside the input, decides the bytes."""
    return f"gzip {LEVEL} in blocks of {BLOCK}, zlib {zlib.ZLIB_RUNTIME_VERSION}"


class Members(io.RawIOBase):
    """Takes a stream of bytes and writes it, compressed, to a file that stays open.

    Args:
        file: A binary file to append to.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._block = bytearray()
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)
        self._waiting: deque[Future[bytes]] = deque()
        self._ahead = 2 * (os.cpu_count() or 1)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # tarfile gives bytes
        """Take some bytes; whole blocks are sent to be compressed."""
        self._block += data
        while len(self._block) >= BLOCK:
            self._send(bytes(self._block[:BLOCK]))
            del self._block[:BLOCK]
        return len(data)

    def close(self) -> None:
        """Write what is left."""
        if not self.closed:
            if self._block:
                self._send(bytes(self._block))
            self._write_down_to(0)
            self._pool.shutdown()
        super().close()

    def _send(self, block: bytes) -> None:
        self._waiting.append(self._pool.submit(_member, block))
        self._write_down_to(self._ahead)

    def _write_down_to(self, waiting: int) -> None:
        while len(self._waiting) > waiting:
            self._file.write(self._waiting.popleft().result())


def _member(block: bytes) -> bytes:
    return zlib.compress(block, LEVEL, wbits=_GZIP)
