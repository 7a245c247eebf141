"""The stack's EMR as a whole: made, queried for what runs, stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.class_archive import archive
from infra.local.emr import calls
from infra.local.emr.ending import ClusterPace
from infra.local.options import user_cache
from infra.local.steps.artefacts import ArtefactCache
from infra.local.steps.runner import ProcessRunner

if TYPE_CHECKING:
    from infra.local.aws.faults import Faults
    from infra.local.emr.calls import LocalBackend
    from infra.local.emr.cluster import LocalCluster
    from infra.local.options import StackOptions

_END_S = 30.0


class LocalEmr:
    """Answers moto's EMR endpoint from living clusters.

    Args:
        options: Of the stack.
        endpoint: URL of the stack's AWS services.
        s3: boto3 client of the local S3.
        faults: Faults to inject.
    """

    def __init__(self, options: StackOptions, *, endpoint: str, s3: Any, faults: Faults) -> None:
        runner = ProcessRunner(
            folder=options.root / "steps",
            spark_submit=options.spark_submit,
            environment=options.step_environment(endpoint),
            s3=s3,
            artefacts=ArtefactCache(s3, options.root / "cache"),
            faults=faults,
            archive=archive.find(user_cache(), options.java_home, archive.spark_of(options.spark_python)),
        )
        pace = ClusterPace(state_delay_s=options.state_delay_s, idle_speed=options.idle_speed)
        self._backends = calls.install(runner=runner, faults=faults, pace=pace)

    def running_steps(self) -> list[dict[str, Any]]:
        """The steps that run now, each with the pid of its process."""
        return [
            {"cluster": cluster.id, "step": step.id, "name": step.name, "pid": step.process.pid}
            for cluster in self._clusters()
            for step in cluster.steps
            if step.state == "RUNNING" and step.process is not None
        ]

    def stop(self) -> None:
        """End every cluster and what it runs."""
        for cluster in self._clusters():
            cluster.terminate()
        for backend in self._all_backends():
            backend.join(_END_S)

    def _clusters(self) -> list[LocalCluster]:
        return [cluster for backend in self._all_backends() for cluster in backend.clusters.values()]

    def _all_backends(self) -> list[LocalBackend]:
        """Of every account and region."""
        return [backend for regions in self._backends.values() for backend in regions.values()]
