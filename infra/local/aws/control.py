"""The stack's own endpoint, `/_claylake/...`, for tests and users."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from infra.local.aws.faults import Fault, Faults
from infra.local.errors import FaultError
from infra.local.glue.optimizers import OptimizerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from infra.local.aws.calls import Calls
    from infra.local.aws.file_buckets import ReadCounts
    from infra.local.glue.optimizers import Optimizers

# No bucket can have this name: S3 allows no underscore.
PREFIX = "/_claylake/"


class Control:
    """Answers the control calls.

    `GET health`; `GET`, `POST` and `DELETE faults`; `GET` and `DELETE` of `reads` and of `calls`
    (kinds of AWS calls so far); `GET steps` (processes of the steps that run now); `GET optimizers` (Glue's
    table optimizers), `POST optimizer-runs` (how a run of one went).
    """

    def __init__(
        self,
        *,
        faults: Faults,
        reads: ReadCounts,
        calls: Calls,
        steps: Callable[[], list[dict[str, Any]]],
        optimizers: Optimizers,
    ) -> None:
        self._faults = faults
        self._calls = calls
        self._reads = reads
        self._optimizers = optimizers
        self._reports: dict[str, Callable[[], Any]] = {
            "health": lambda: {"pid": os.getpid()},
            "steps": steps,
            "reads": reads.report,
            "calls": calls.report,
            "faults": faults.active,
            "optimizers": optimizers.report,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: Any) -> Any:
        """WSGI."""
        request = Request(environ)
        name = request.path.removeprefix(PREFIX)
        try:
            document = self._answer(request.method, name, request.get_data())
        except (FaultError, OptimizerError) as error:
            return _json({"error": str(error)}, 400)(environ, start_response)
        except LookupError:
            return _json({"error": f"no {request.method} {name}"}, 404)(environ, start_response)
        return _json(document)(environ, start_response)

    def rejection(self, environ: WSGIEnvironment) -> Response | None:
        """The error that an armed `reject_call` gives to an AWS JSON call, if it matches."""
        return self._error("reject_call", environ, 400)

    def may_lose(self, environ: WSGIEnvironment) -> bool:
        """Whether a `lose_answer` is armed that matches an AWS JSON call."""
        return self._faults.armed("lose_answer", environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2])

    def lost_answer(self, environ: WSGIEnvironment) -> Response | None:
        """The error that an armed `lose_answer` puts in place of a call's own answer, if it matches."""
        return self._error("lose_answer", environ, 500)

    def _error(self, kind: str, environ: WSGIEnvironment, status: int) -> Response | None:
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")
        fault = self._faults.take(kind, operation) if service else None
        if fault is None:
            return None
        body = {"__type": fault.code, "message": f"Injected fault {kind}: {operation}"}
        return Response(json.dumps(body), status=status, mimetype="application/x-amz-json-1.1")

    def _answer(self, method: str, name: str, body: bytes) -> Any:
        if method == "GET" and name in self._reports:
            return self._reports[name]()
        match method, name:
            case "DELETE", "reads":
                self._reads.reset()
            case "DELETE", "calls":
                self._calls.reset()
            case "POST", "faults":
                self._faults.add(Fault.parse(_object(body)))
            case "DELETE", "faults":
                self._faults.clear()
            case "POST", "optimizer-runs":
                self._optimizers.ran(_object(body))
                name = "optimizers"
            case _:
                raise LookupError(name)
        return self._reports[name]()


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise FaultError(f"a request is a JSON object: {error}") from error
    if not isinstance(document, dict):
        raise FaultError(f"a request is a JSON object, got {type(document).__name__}")
    return document


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status=status, mimetype="application/json")
