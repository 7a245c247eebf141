"""One request to a STAC API: repeated where that can help, counted and logged, and named where it fails."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

from claylake.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from pystac_client.stac_api_io import StacApiIO
    from urllib3 import BaseHTTPResponse
    from urllib3.connectionpool import ConnectionPool

    from claylake.configuration.settings import Catalogue

log = logging.getLogger(__name__)

RETRY_STATUSES: Final = (429, 500, 502, 503, 504)
REFUSED_METHOD: Final = (403, 405, 501)
"""What servers without POST searches answer to one."""
NOT_AN_API: Final = "check catalogue.url: it must be the address of a STAC API's landing page"
_NETWORK: Final = "check catalogue.url and the network, or raise catalogue.retries and catalogue.timeout_s"
_REFUSED: Final = "check catalogue.url, catalogue.page_size and selection.collections: the server refuses the query"
_ADVICE: Final = {
    401: "check catalogue.url: the server requires a login, and claylake has none",
    403: "check catalogue.url: the server refuses this machine, or requires a login, and claylake has none",
    404: NOT_AN_API,
    405: "check catalogue.url: the server takes no such requests",
    410: NOT_AN_API,
    413: "check catalogue.url, or take an AOI with a simpler outline: the request is too large for the server",
    414: "check catalogue.url, or take an AOI with a simpler outline: the request is too large for the server",
    429: "check catalogue.url; the server limits requests: run later, or raise catalogue.longest_wait_s and retries",
}
_SHOWN: Final = 300
_BACKOFF_MAX: Final = 60


@dataclass(frozen=True)
class Request:
    """`parameters` are the body of a POST, and of a GET the query, beside what `url` has of one."""

    url: str
    method: str = "GET"
    parameters: Mapping[str, Any] | None = None


class Server:
    """A STAC API, one connection.

    Args:
        catalogue: the settings of the STAC API.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._failed: list[str] = []
        """Of the request under way: each attempt that has failed and may be repeated."""

    def read(self, request: Request) -> dict[str, Any]:
        """The JSON object that the server answers with.

        Raises:
            CatalogueError: if it does not answer, or answers otherwise.
        """
        text = self._text(request)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            cause = f"its answer is not JSON ({error}): {_short(text)}"
            raise self.error(request, cause, NOT_AN_API, status=200) from error
        if not isinstance(document, dict):
            raise self.error(
                request, f"its answer is a {type(document).__name__}, not an object", NOT_AN_API, status=200
            )
        return document

    def error(self, request: Request, cause: str, advice: str, status: int | None = None) -> CatalogueError:
        """What went wrong with a request.

        Args:
            request: that was sent.
            cause: in words.
            advice: what to do.
            status: of the answer; None where there was none.
        """
        return CatalogueError(
            root=self._catalogue.url, url=request.url, method=request.method, status=status, cause=cause, advice=advice
        )

    def _text(self, request: Request) -> str:
        """The answer's text; an answer that breaks off is requested again, as one that never came is."""
        from pystac_client.exceptions import APIError
        from requests import exceptions

        breaks = (exceptions.ChunkedEncodingError, exceptions.ConnectionError, exceptions.ContentDecodingError)
        self._failed.clear()
        parameters = None if request.parameters is None else dict(request.parameters)
        while True:
            try:
                text: str = self._io.request(request.url, method=request.method, parameters=parameters)
            except APIError as error:
                broken = isinstance(error.__context__, breaks) and not self._exhausted
                if broken:
                    self._failed.append(str(error))
                if not broken or self._exhausted:
                    raise self._failure(request, error) from error
                log.warning("catalogue %s: the answer broke off (%s); trying again", request.url, error)
                time.sleep(self._catalogue.backoff_s)
            else:
                return text

    @property
    def _exhausted(self) -> bool:
        return len(self._failed) > self._catalogue.retries

    def _failure(self, request: Request, error: Exception) -> CatalogueError:
        status: int | None = getattr(error, "status_code", None)
        cause = _said(str(error))
        if self._exhausted:
            each = f"{self._catalogue.timeout_s:g} s each"
            cause = f"{cause} (tried {len(self._failed)} times, {each})"
        if status is None or status in RETRY_STATUSES:
            advice = _ADVICE.get(status or 0, _NETWORK if self._exhausted else "check catalogue.url and the network")
        else:
            advice = _ADVICE.get(status, _REFUSED)
        return self.error(request, cause, advice, status)

    @cached_property
    def _io(self) -> StacApiIO:
        from pystac_client.stac_api_io import StacApiIO

        return StacApiIO(timeout=self._catalogue.timeout_s, max_retries=_patience(self._catalogue, self._failed))


def problem(document: Mapping[str, Any]) -> str:
    """What an answer without features says went wrong: APIs put an error there, some of them with status 200."""
    said = [str(document[key]) for key in ("code", "title", "description", "detail", "message") if document.get(key)]
    return _short(": ".join(said))


def _patience(catalogue: Catalogue, failed: list[str]) -> Any:
    """urllib3's retries: logged, each counted in `failed`, and with a limit on what a server may have us wait."""
    from urllib3 import Retry
    from urllib3.exceptions import InvalidHeader

    class Patience(Retry):
        def increment(
            self,
            method: str | None = None,
            url: str | None = None,
            response: BaseHTTPResponse | None = None,
            error: Exception | None = None,
            _pool: ConnectionPool | None = None,
            _stacktrace: TracebackType | None = None,
        ) -> Self:
            failed.append(str(error) if response is None else f"status {response.status}")
            return super().increment(method, url, response, error, _pool, _stacktrace)

        def sleep(self, response: BaseHTTPResponse | None = None) -> None:
            given = None if response is None else response.headers.get("Retry-After")
            named = None if response is None else self.get_retry_after(response)
            why = f"Retry-After: {given}" if given else "no Retry-After"
            wait = named or self.get_backoff_time()
            log.warning("catalogue %s: %s (%s); trying again in %.1f s", catalogue.url, failed[-1], why, wait)
            super().sleep(response)

        def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
            try:
                return super().get_retry_after(response)
            except InvalidHeader:
                return None

    return Patience(
        total=catalogue.retries,
        backoff_factor=catalogue.backoff_s,
        backoff_max=_BACKOFF_MAX,
        status_forcelist=RETRY_STATUSES,
        allowed_methods=None,
        raise_on_status=False,
        retry_after_max=round(catalogue.longest_wait_s),
    )


def _said(text: str) -> str:
    """An answer's own words for its error, if it is JSON; else its beginning."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    return (problem(document) if isinstance(document, dict) else "") or _short(text)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."
