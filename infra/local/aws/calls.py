"""Which AWS calls were made, by whom and on what: what the roles of a deployment must allow.

Callers are known by the access keys in their requests' signatures: Airflow and the steps are recorded, others are not.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from claylake.run.progress import COUNTS
from infra.local.options import AIRFLOW_KEY, STEP_KEY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CALLERS = {AIRFLOW_KEY: "airflow", STEP_KEY: "step"}
_SIGNED = re.compile(r"Credential=([^/]+)/[^/]+/[^/]+/([^/]+)/")
_DELETED_KEY = re.compile(rb"<Key>([^<]+)</Key>")
_NAMELESS = "-"

_ON_BUCKET = {
    "list-type": "ListObjectsV2",
    "location": "GetBucketLocation",
    "uploads": "ListMultipartUploads",
    "versions": "ListObjectVersions",
}


@dataclass(frozen=True, order=True, kw_only=True)
class Call:
    """One kind of call.

    Attributes:
        caller: ``airflow`` or ``step``.
        service: As in signatures: ``s3``, ``glue``, ``elasticmapreduce``.
        operation: As the API calls it.
        resource: ``<bucket>/<first folder>``, of the counts in a run folder ``<bucket>/runs/progress``;
            ``<database>/<table>``, or ``-``.
    """

    caller: str
    service: str
    operation: str
    resource: str


class Calls:
    """The kinds of calls made so far; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: set[Call] = set()

    def note(self, environ: WSGIEnvironment) -> None:
        """Record a request, and leave its body readable for the application that answers it."""
        signed = _SIGNED.search(environ.get("HTTP_AUTHORIZATION", ""))
        caller = CALLERS.get(signed[1]) if signed else None
        if signed is None or caller is None:
            return
        made = _s3(environ) if signed[2] == "s3" else [_json(environ)]
        with self._lock:
            self._made |= {
                Call(caller=caller, service=signed[2], operation=operation, resource=resource)
                for operation, resource in made
            }

    def report(self) -> list[dict[str, str]]:
        """All kinds, in order."""
        with self._lock:
            return [asdict(call) for call in sorted(self._made)]

    def reset(self) -> None:
        """Forget them."""
        with self._lock:
            self._made.clear()


def _s3(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    """Operation and resource; several where one request deletes objects of several folders."""
    method = environ["REQUEST_METHOD"]
    bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if method == "POST" and "delete" in query:
        keys = {match.decode() for match in _DELETED_KEY.findall(_body(environ))}
        return [("DeleteObjects", _resource(bucket, name)) for name in keys]
    if key:
        return [(_on_object(method, query, is_copy="HTTP_X_AMZ_COPY_SOURCE" in environ), _resource(bucket, key))]
    named = next((name for argument, name in _ON_BUCKET.items() if argument in query), "ListObjects")
    return [({"GET": named, "HEAD": "HeadBucket", "PUT": "CreateBucket"}.get(method, f"{method} bucket"), bucket)]


def _on_object(method: str, query: dict[str, list[str]], *, is_copy: bool) -> str:
    match method:
        case "PUT" if "partNumber" in query:
            return "UploadPartCopy" if is_copy else "UploadPart"
        case "PUT":
            return "CopyObject" if is_copy else "PutObject"
        case "POST":
            return "CreateMultipartUpload" if "uploads" in query else "CompleteMultipartUpload"
        case "DELETE":
            return "AbortMultipartUpload" if "uploadId" in query else "DeleteObject"
        case "GET" if "uploadId" in query:
            return "ListParts"
    return {"GET": "GetObject", "HEAD": "HeadObject"}.get(method, f"{method} object")


def _resource(bucket: str, key: str) -> str:
    first, *folders, _ = key.split("/") if "/" in key else (key, "")
    # What steps delete in run folders, and nothing else.
    return f"{bucket}/{first}/{COUNTS}" if first == "runs" and COUNTS in folders else f"{bucket}/{first}"


def _json(environ: WSGIEnvironment) -> tuple[str, str]:
    """Operation of a JSON call, and the table or database that it names."""
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    try:
        document: Any = json.loads(_body(environ) or b"{}")
    except ValueError:
        return operation, _NAMELESS
    name = document.get("Name") or (document.get("TableInput") or {}).get("Name") or document.get("TableName")
    parts = [document.get("DatabaseName"), name if isinstance(name, str) else None]
    if operation in {"RunJobFlow", "AddInstanceFleet"} or not any(parts):
        return operation, _NAMELESS
    return operation, "/".join(part for part in parts if part)


def _body(environ: WSGIEnvironment) -> bytes:
    """The whole body, put back so that it can be read again."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body
