"""The response of a custom resource to CloudFormation, which waits for one also when the work has failed."""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAX_REASON_CHARS = 1000
_log = logging.getLogger(__name__)


def respond(event: Mapping[str, Any], context: Any, work: Callable[[], Mapping[str, str]]) -> None:
    """Do the work and report to CloudFormation whether it succeeded.

    The physical id never changes, since CloudFormation takes another id for a new resource, and deletes the old one.

    Args:
        event: CloudFormation's request.
        context: Lambda's; names the log stream.
        work: Returns the resource's attributes.
    """
    properties = event["ResourceProperties"]
    response: dict[str, Any] = {
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"{properties['Bucket']}/{properties['Name']}",
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    try:
        response |= {"Data": dict(work()), "Status": "SUCCESS"}
    except Exception as error:  # noqa: BLE001 - an unreported failure would hold the stack for an hour
        _log.exception("%s failed", event["RequestType"])
        stream = getattr(context, "log_stream_name", "?")
        reason = f"{type(error).__name__}: {error}"[:_MAX_REASON_CHARS]
        response |= {"Status": "FAILED", "Reason": f"{reason}; see log stream {stream}"}
    # A signed URL of S3, which has not signed any content type.
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"], json.dumps(response).encode(), method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - as above
        pass
