"""Reading a file that is elsewhere: again and afresh, while there is hope; else the reason is found out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from rasterio.errors import RasterioError

from spark.reading.answers import Answer, answer_for
from spark.reading.errors import UnreadableError
from spark.reading.gdal import forget
from spark.reading.hosts import Host, host_of

_log = logging.getLogger(__name__)
MOST_TRIES = 15
"""Of one request, however many others the host answers meanwhile."""
TRIES_OF_SERVED = 4
"""Of a request that fails although the host serves the file: connections may be cut, but then a block is bad."""
TRIES_OF_BAD_FILE = 2
"""Of the same, in a file that has a bad block already; without a pause between them."""
_T = TypeVar("_T")


class Persistence:
    """Repeats what is done with one file.

    Args:
        key: the asset's key.
        path: GDAL's name of it.
        shown: its address as messages show it.
        most_tries: of one request that fails.
    """

    def __init__(self, key: str, path: str, shown: str, most_tries: int = MOST_TRIES) -> None:
        self._key, self._path, self._shown, self._most_tries = key, path, shown, most_tries
        self._is_bad = False
        self._host: Host | None = host_of(shown) if path.startswith("/vsi") else None

    def call(self, action: Callable[[], _T], afresh: Callable[[], None]) -> _T:
        """What `action` gives. A file on disk is tried once.

        Args:
            action: opens or reads the file.
            afresh: lets go of what is open, before the next try; what GDAL keeps of the file is forgotten then.

        Raises:
            UnreadableError: it fails for good; the message says how the host answers for the file.
        """
        if self._host is None:
            try:
                return action()
            except RasterioError as error:
                raise UnreadableError(self._key, _words(error)) from error
        tries = served = 0
        while True:
            try:
                with self._host.turn():
                    result = action()
            except RasterioError as error:
                tries += 1
                afresh()
                forget(self._path)
                text = self._without_secrets(_words(error))
                answer = answer_for(self._path, text)
                served += answer.is_good
                if not self._again(self._host, answer, tries, served):
                    after = f" after {tries} tries" if tries > 1 else ""
                    message = f"{self._shown}: {answer.text}{after} ({text})"
                    raise UnreadableError(self._key, message) from error
            else:
                self._host.answered()
                return result

    def _again(self, host: Host, answer: Answer, tries: int, served: int) -> bool:
        if answer.is_good and self._is_bad:
            return served < TRIES_OF_BAD_FILE
        if served >= TRIES_OF_SERVED:
            self._is_bad = True
        if answer.is_final or self._is_bad or tries >= self._most_tries:
            return False
        return host.failed(f"{self._key}: {answer.text}", busy=answer.is_busy, retry_after_s=answer.retry_after_s)

    def _without_secrets(self, text: str) -> str:
        """A signature is part of an address, and of the name by which GDAL calls the file."""
        query = self._path.partition("?")[2]
        text = text.replace(self._path, self._shown)
        return text.replace(f"?{query}", "") if query else text


def _words(error: RasterioError) -> str:
    """GDAL's own lie below rasterio's."""
    return str(error.__cause__ or error)
