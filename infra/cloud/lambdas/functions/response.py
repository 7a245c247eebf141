"""Answers to CloudFormation, whose stack waits for one after failures, too."""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST = 1000
_log = logging.getLogger(__name__)


def answer(event: Mapping[str, Any], context: Any, work: Callable[[], Mapping[str, str]]) -> None:
    """Do the work and report to CloudFormation how it ended; what it gives become the resource's attributes.

    The physical id stays what it was first, so that an update is never followed by a deletion of the old one.
    """
    properties = event["ResourceProperties"]
    answer: dict[str, Any] = {
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"{properties['Bucket']}/{properties['Name']}",
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    try:
        answer |= {"Data": dict(work()), "Status": "SUCCESS"}
    except Exception as error:  # noqa: BLE001 - an unreported failure would hold the stack for an hour
        _log.exception("%s failed", event["RequestType"])
        stream = getattr(context, "log_stream_name", "?")
        reason = f"{type(error).__name__}: {error}"[:_LONGEST]
        answer |= {"Status": "FAILED", "Reason": f"{reason}; see log stream {stream}"}
    # A signed URL of S3, which has not signed any content type.
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"], json.dumps(answer).encode(), method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - as above
        pass
