"""What EMR and the queue are now, read once for all runs that wait in a process.

All triggers of a triggerer share one process and one event loop. The first one that finds the view out of date reads
it anew, the others get the same. So what EMR is queried does not grow with the number of waiting runs.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from claylake_airflow import emr, step_progress, turns
from claylake_airflow.waiting import LARGEST_SLOWDOWN, is_passing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_JITTER: Final = 0.25
"""Most share by which a pause after a failure is longer: several triggerers do not return at the same moment."""


@dataclass(frozen=True, kw_only=True)
class View:
    """Clusters and queue at one moment.

    Attributes:
        begun: when reading began, by `time.monotonic`.
        clusters: live clusters of ours, oldest first.
        places: in the queue, without those of runs that have died.
        failure: why AWS did not answer; empty where it did.
        refused: how many views in a row were refused for another reason than load.
    """

    begun: float
    clusters: tuple[emr.Cluster, ...] = ()
    places: tuple[turns.Place, ...] = ()
    failure: str = ""
    refused: int = 0


class SharedView:
    """Reads views, one at a time and at most one in each pause; AWS's load makes pauses longer.

    Args:
        region: AWS region.
        queue: ``s3://`` address of the queue's folder; empty where there is none.
    """

    def __init__(self, region: str | None, queue: str) -> None:
        self._region = region
        self._queue = queue
        self._lock = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._view: View | None = None
        self._due = 0.0
        self._slower = 1
        self._described: dict[str, emr.Cluster] = {}
        self._foreign: set[str] = set()
        self._clients = AsyncExitStack()
        self._emr: Any = None
        self._s3: Any = None
        self._waiting = 0

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[SharedView]:
        """While a run waits; the last one that leaves closes the clients."""
        self._waiting += 1
        try:
            yield self
        finally:
            self._waiting -= 1
            if not self._waiting:
                clients, self._clients = self._clients, AsyncExitStack()
                self._emr = self._s3 = None
                await clients.aclose()

    async def after(self, moment: float, pause: float) -> View:
        """The view that was begun after a moment; waits until one is due.

        Args:
            moment: by `time.monotonic`.
            pause: seconds between two views.
        """
        while True:
            async with self._lock:
                if self._view is not None and self._view.begun > moment:
                    return self._view
                wait = self._due - time.monotonic()
                if wait <= 0:
                    self._view = await self._read()
                    longer = 1 + random.uniform(0, _JITTER) if self._slower > 1 else 1  # noqa: S311 - no secret
                    self._due = time.monotonic() + pause * self._slower * longer
                    return self._view
            await asyncio.sleep(wait)

    async def keep(self, name: str) -> None:
        """Write a place in the queue, so that other runs count it."""
        await (await self._s3_client()).put_object(**turns.place_object(self._queue, name), Body=b"")

    async def leave(self, name: str) -> None:
        """Delete a place from the queue."""
        await (await self._s3_client()).delete_object(**turns.place_object(self._queue, name))

    async def _read(self) -> View:
        from botocore.exceptions import BotoCoreError, ClientError

        begun = time.monotonic()
        try:
            # First the queue: a run leaves it when its cluster is there, so it is seen in one of the two.
            places = await self._places() if self._queue else ()
            view = View(begun=begun, places=places, clusters=await self._clusters())
        except (BotoCoreError, ClientError) as error:
            self._slower = min(self._slower * 2, LARGEST_SLOWDOWN)
            is_refusal = isinstance(error, ClientError) and not is_passing(error.response)
            refused = self._view.refused if self._view else 0
            return View(begun=begun, failure=str(error), refused=refused + 1 if is_refusal else refused)
        self._slower = 1
        return view

    async def _places(self) -> tuple[turns.Place, ...]:
        pages = (await self._s3_client()).get_paginator("list_objects_v2").paginate(**turns.folder(self._queue))
        entries = [entry async for page in pages for entry in page.get("Contents", [])]
        return tuple(turns.read_places(entries, datetime.now(UTC)))

    async def _clusters(self) -> tuple[emr.Cluster, ...]:
        """The live ones; each is described once, as its tags stay what they are, and so is who may describe it."""
        from botocore.exceptions import ClientError

        async with self._opening:
            if self._emr is None:
                self._emr = await self._clients.enter_async_context(await emr.hook(self._region).get_async_conn())
        pages = self._emr.get_paginator("list_clusters").paginate(ClusterStates=list(emr.LIVE))
        listed = {
            summary["Id"]: summary async for page in pages for summary in page["Clusters"] if emr.may_be_ours(summary)
        }
        self._foreign &= listed.keys()
        self._described = {key: cluster for key, cluster in self._described.items() if key in listed}
        for cluster_id in listed.keys() - self._described.keys() - self._foreign:
            try:
                answer = await self._emr.describe_cluster(ClusterId=cluster_id)
            except ClientError as error:
                emr.require_foreign(listed[cluster_id], error)
                self._foreign.add(cluster_id)
            else:
                self._described[cluster_id] = emr.Cluster.read(answer["Cluster"])
        now = (replace(each, state=listed[key]["Status"]["State"]) for key, each in self._described.items())
        return tuple(emr.order(now))

    async def _s3_client(self) -> Any:
        async with self._opening:
            if self._s3 is None:
                hook = step_progress.hook(self._region)
                self._s3 = await self._clients.enter_async_context(await hook.get_async_conn())
            return self._s3


_views: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str | None, str], SharedView]] = WeakKeyDictionary()


def of(region: str | None, queue: str) -> SharedView:
    """The view that this process's event loop has of a region and a queue.

    Args:
        region: AWS region.
        queue: ``s3://`` address of the queue's folder; empty where there is none.
    """
    of_loop = _views.setdefault(asyncio.get_running_loop(), {})
    return of_loop.setdefault((region, queue), SharedView(region, queue))
