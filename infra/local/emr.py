"""The stack's EMR as a whole: set up, asked what runs, stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local import class_archive, emr_calls
from infra.local.artefacts import ArtefactCache
from infra.local.cluster_life import ClusterPace
from infra.local.options import user_cache
from infra.local.step_runner import StepRunner

if TYPE_CHECKING:
    from infra.local.emr_cluster import LocalCluster
    from infra.local.faults import Faults
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
        runner = StepRunner(
            folder=options.root / "steps",
            spark_submit=options.spark_submit,
            environment=options.step_environment(endpoint),
            s3=s3,
            artefacts=ArtefactCache(s3, options.root / "cache"),
            faults=faults,
            archive=class_archive.find(user_cache(), options.java_home, class_archive.spark_of(options.spark_python)),
        )
        pace = ClusterPace(state_delay_s=options.state_delay_s, idle_speed=options.idle_speed)
        self._backends = emr_calls.install(runner, pace)

    def running_steps(self) -> list[dict[str, Any]]:
        """The steps that run now, each with the pid of its process."""
        return [
            {"cluster": cluster.id, "step": step.id, "name": step.name, "pid": step.child.pid}
            for cluster in self._clusters()
            for step in cluster.steps
            if step.state == "RUNNING" and step.child is not None
        ]

    def stop(self) -> None:
        """End every cluster and what it runs."""
        clusters = self._clusters()
        for cluster in clusters:
            cluster.terminate()
        for cluster in clusters:
            cluster.life.join(_END_S)

    def _clusters(self) -> list[LocalCluster]:
        return [
            cluster
            for regions in self._backends.values()
            for backend in regions.values()
            for cluster in backend.clusters.values()
        ]
