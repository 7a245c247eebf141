"""One HTTP server for the AWS APIs, the file-backed buckets and the control calls."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from infra.local.aws.control import PREFIX, Control
from infra.local.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    from infra.local.aws.calls import Calls
    from infra.local.aws.file_buckets import FileBuckets
    from infra.local.aws.kept_reports import KeptReports


class _Handler(MotoRequestHandler):  # type: ignore[misc]  # moto comes without types
    # Head and body are written apart: with Nagle's algorithm on, each answer on a
    # kept connection would wait some 40 ms for the client's delayed acknowledgement.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: a run makes tens of thousands of requests."""


class Gateway:
    """WSGI application that hands each request to the application that answers it.

    Args:
        buckets: File-backed buckets.
        control: Control calls.
        calls: Records AWS calls.
        emr_ready: Returns once EMR calls can be answered.
        reports: Keeps what is stored of runs' reports; None keeps nothing.
    """

    def __init__(
        self,
        *,
        buckets: FileBuckets,
        control: Control,
        calls: Calls,
        emr_ready: Callable[[], object],
        reports: KeptReports | None = None,
    ) -> None:
        self._reports = reports
        self._calls = calls
        self._emr_ready = emr_ready
        self._buckets = buckets
        self._control = control
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start_response: Any) -> Any:
        """WSGI."""
        return self._application(environ)(environ, start_response)

    def _application(self, environ: WSGIEnvironment) -> WSGIApplication:
        path = environ["PATH_INFO"]
        if path.startswith(PREFIX):
            return self._control
        self._calls.note(environ)
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith("ElasticMapReduce."):
            self._emr_ready()
        kept = self._reports.find(environ) if self._reports else None
        return self._buckets.find(path) or kept or self._control.rejection(environ) or self._answered

    def _answered(self, environ: WSGIEnvironment, start_response: Any) -> Any:
        """Moto's answer, or the error that is to be given in its place once it has done its work."""
        if self._reports and self._reports.concerns(environ):
            return self._reports.kept(self._moto, environ)(environ, start_response)
        if not self._control.may_lose(environ):
            return self._moto(environ, start_response)
        with closing(Response.from_app(self._moto, environ, buffered=True)) as answer:
            lost = self._control.lost_answer(environ) if answer.status_code < HTTPStatus.MULTIPLE_CHOICES else None
            return (lost or answer)(environ, start_response)


class Server:
    """A threaded HTTP server on 127.0.0.1.

    Args:
        port: Port to listen on; 0 takes a free one.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, port: int) -> None:
        self._server = make_server(HOST, port, _unready, threaded=True, request_handler=_Handler)
        self._thread = Thread(target=self._server.serve_forever, name="http", daemon=True)

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://{HOST}:{self._server.port}"

    def start(self, application: WSGIApplication) -> None:
        """Answer requests from now on."""
        self._server.app = application
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def _unready(_environ: WSGIEnvironment, _start_response: Any) -> Any:
    raise RuntimeError("the server answers only after start()")
