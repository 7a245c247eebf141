"""The waiting that all triggers share.

A wait ends by itself at its deadline, a moment, so that a triggerer's restart does not prolong it,
and so that the operator can clean up, which Airflow's own trigger timeout does not allow. Only the wait for a turn has
none.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from claylake_airflow import emr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_THROTTLED = (
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
)
MOST_REFUSALS = 3
"""Errors in a row that end the wait. Fewer may pass: EMR's answers are eventually consistent."""
LARGEST_SLOWDOWN = 8


class EmrWait(BaseTrigger):
    """Polls EMR until the wait is over, or the deadline has passed.

    Events: `status` is ``done``, ``failed``, ``timeout`` or ``error``; `why` explains the last three;
    region and the trigger's own fields come along, so that the operator needs no deferral kwargs,
    which ``dag.test()`` drops.

    Args:
        region: AWS region; never left to the triggerer's own default.
        deadline: Seconds since the epoch; None where the wait has no end of its own.
        poll_seconds: Pause between two polls; grows while EMR throttles.
    """

    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, region: str | None, deadline: float | None, poll_seconds: float) -> None:
        super().__init__()
        self.region = region
        self.deadline = deadline
        self.poll_seconds = poll_seconds
        self._logged = ""
        self.open_clients = AsyncExitStack()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path, and the arguments that make the same trigger elsewhere."""
        wait = {"region": self.region, "deadline": self.deadline, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**wait, **self._own()}

    def _own(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.fields}

    def log_change(self, message: str) -> None:
        """Log the state, if it differs from what was logged last."""
        if message != self._logged:
            self.log.info("%s", message)
        self._logged = message

    def _left_s(self) -> float:
        return math.inf if self.deadline is None else self.deadline - time.time()

    async def poll(self, client: Any) -> dict[str, Any] | None:
        """Query EMR once: the event's payload, or None to go on waiting."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll, tolerating throttling and lost connections until the deadline."""
        from botocore.exceptions import BotoCoreError, ClientError

        refused, slower = 0, 1
        async with self.open_clients:
            client = await self.open_clients.enter_async_context(await emr.hook(self.region).get_async_conn())
            while True:
                payload = None
                try:
                    payload = await self.poll(client)
                    refused, slower = 0, 1
                except (BotoCoreError, ClientError) as error:
                    slower = min(slower * 2, LARGEST_SLOWDOWN)
                    self.log.warning("EMR did not answer (%s); trying again", error)
                    if isinstance(error, ClientError) and not is_passing(error.response):
                        refused += 1
                        payload = {"status": "error", "why": str(error)} if refused >= MOST_REFUSALS else None
                if payload is None and self._left_s() <= 0:
                    payload = {"status": "timeout", "why": "the deadline has passed"}
                if payload is not None:
                    yield TriggerEvent({"region": self.region, **self._own(), **payload})
                    return
                await asyncio.sleep(max(0.0, min(self.poll_seconds * slower, self._left_s())))


def is_passing(response: Any) -> bool:
    """Whether AWS refused for load or a fault of its own: the same request may succeed later."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(response.get("Error", {}).get("Code") in _THROTTLED or status >= 500)
