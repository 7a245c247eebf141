"""What YARN's resource manager has and has granted, in lines for people.

Its REST API: "ResourceManager REST API's" of Hadoop's documentation.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark import SparkContext

_API: Final = "ws/v1/cluster"
_TIMEOUT_S: Final = 10.0
_MOST_NODES: Final = 10


@dataclass(frozen=True, kw_only=True)
class ResourceManager:
    """Where it answers, and what the step has requested of it. `address`: with scheme and port; empty without YARN."""

    address: str
    requested: str

    @classmethod
    def of(cls, context: SparkContext) -> ResourceManager:
        """That of a session; where it is stands in Hadoop's configuration."""
        conf = dict(context.getConf().getAll())
        of = {key: conf.get(f"spark.executor.{key}", "?") for key in ("instances", "memory", "memoryOverhead", "cores")}
        requested = (
            f"requested: {of['instances']} executors, each with {of['memory']} and {of['memoryOverhead']} overhead, "
            f"{of['cores']} vCPUs, {conf.get('spark.executor.resource.gpu.amount', '0')} GPUs"
        )
        if context.master != "yarn" or context._jvm is None:  # noqa: SLF001 - only the JVM has Hadoop's configuration
            return cls(address="", requested=requested)
        hadoop: Any = context._jsc.hadoopConfiguration()  # noqa: SLF001
        yarn = context._jvm.org.apache.hadoop.yarn.conf.YarnConfiguration(hadoop)  # noqa: SLF001
        return cls(address=address_of(yarn), requested=requested)

    def lines(self) -> Iterator[str]:
        """Its numbers; where it does not answer, a line that says so."""
        yield self.requested
        if not self.address:
            yield "there is no resource manager: the session does not run on YARN"
            return
        try:
            yield _metrics(self._read("metrics")["clusterMetrics"])
            yield _queue(self._read("scheduler")["scheduler"]["schedulerInfo"])
            yield from _nodes((self._read("nodes").get("nodes") or {}).get("node") or [])
        except (URLError, OSError, ValueError, KeyError, TypeError) as error:
            yield f"the resource manager at {self.address} gave no numbers ({type(error).__name__}: {error})"

    def _read(self, what: str) -> dict[str, Any]:
        # The certificate inside the cluster is one of our own making; what is read goes into a log only.
        inside = HTTPSHandler(context=ssl._create_unverified_context())  # noqa: S323, SLF001
        with build_opener(ProxyHandler({}), inside).open(f"{self.address}/{_API}/{what}", timeout=_TIMEOUT_S) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found


def address_of(configuration: Any) -> str:
    """Address of the REST API.

    Args:
        configuration: Hadoop's, or what has its `get`.
    """
    if configuration.get("yarn.http.policy") == "HTTPS_ONLY":
        return f"https://{configuration.get('yarn.resourcemanager.webapp.https.address')}"
    return f"http://{configuration.get('yarn.resourcemanager.webapp.address')}"


def _metrics(found: dict[str, Any]) -> str:
    return (
        f"resource manager: {found['allocatedMB']:,} MB of {found['totalMB']:,} MB allocated, "
        f"{found['allocatedVirtualCores']} of {found['totalVirtualCores']} vCPUs; "
        f"{found['containersPending']} containers wait for {found['pendingMB']:,} MB; "
        f"{found['activeNodes']} nodes active, {found['unhealthyNodes']} unhealthy, {found['lostNodes']} lost"
    )


def _queue(found: dict[str, Any]) -> str:
    used, capacity = found.get("usedCapacity", "?"), found.get("capacity", "?")
    return f"queue {found.get('queueName', found.get('type', '?'))}: {used} % used of {capacity} %"


def _nodes(found: list[dict[str, Any]]) -> Iterator[str]:
    for node in found[:_MOST_NODES]:
        free, used = node["availMemoryMB"], node["usedMemoryMB"]
        yield (
            f"node {node['nodeHostName']}: {node['state']}, {free:,} MB free of {free + used:,} MB, "
            f"{node['availableVirtualCores']} vCPUs free, {node['numContainers']} containers"
        )
    if len(found) > _MOST_NODES:
        yield f"and {len(found) - _MOST_NODES} nodes more"
