"""Runs one EMR step as a process on this machine."""

from __future__ import annotations

import logging
import signal
from dataclasses import dataclass, replace
from itertools import count
from threading import Timer
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from infra.local.errors import LocalError
from infra.local.process import Child
from infra.local.steps.command import LocalCommand, localise
from infra.local.steps.logs import StepLogs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.local.aws.faults import Faults
    from infra.local.class_archive.archive import ClassArchive
    from infra.local.emr.step import LocalStep
    from infra.local.steps.artefacts import ArtefactCache

_log = logging.getLogger(__name__)
_application_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class ProcessRunner:
    """Runs steps as processes of this machine.

    Attributes:
        folder: Folder of work folders, `<cluster>/<step>/` each.
        spark_submit: The program that stands for EMR's `spark-submit`.
        environment: Whole environment of a step's process.
        s3: boto3 client of the local S3, for the logs.
        artefacts: Where `s3://` files come from.
        faults: Faults to inject.
        archive: The JVM's classes, for steps whose jars are those that it was made of.
    """

    folder: Path
    spark_submit: Path
    environment: Mapping[str, str]
    s3: Any
    artefacts: ArtefactCache
    faults: Faults
    archive: ClassArchive | None = None

    def run(self, step: LocalStep, *, cluster_id: str, log_uri: str | None) -> dict[str, str] | None:
        """Run the step to its end and publish its logs.

        Args:
            step: What to run.
            cluster_id: Of the step's cluster.
            log_uri: The cluster's `LogUri`, or None when it keeps no logs.

        Returns:
            `FailureDetails`, or None when the step succeeded. A step that was stopped
            may come back either way; the caller knows.
        """
        folder = self.folder / cluster_id / step.id
        (folder / "spark-local").mkdir(parents=True, exist_ok=True)
        logs = StepLogs(folder=folder, log_uri=log_uri, cluster_id=cluster_id, step_id=step.id)
        started = monotonic()
        try:
            command = localise(step.jar, step.args, spark_submit=self.spark_submit, fetch=self.artefacts.fetch)
            if command.is_cluster_mode:
                number = next(_application_numbers)
                logs = replace(logs, application=f"application_{int(time() * 1000)}_{number:04d}")
            exit_code = self._execute(step, command, folder)
            failure = logs.failure(exit_code) if exit_code else self._injected(step, logs)
        except (LocalError, OSError) as error:
            _append(folder / "stderr", f"{error}\n")
            exit_code, failure = 1, logs.details("Unknown Error.", str(error))
        seconds = monotonic() - started
        _log.info("step %s (%s) ended with %d after %.1f s", step.id, step.name, exit_code, seconds)
        verdict = "failed" if failure else "succeeded"
        text = f"INFO Step {verdict} with exitCode {exit_code} and took {seconds:.0f} seconds\n"
        _append(folder / "controller", text)
        logs.publish(self.s3, failed=failure is not None)
        return failure

    def _execute(self, step: LocalStep, command: LocalCommand, folder: Path) -> int:
        if self.faults.take("fail_step", step.name):
            raise LocalError(f"Injected fault: step {step.name!r} did not run")
        _append(folder / "controller", f"INFO startExec {' '.join(command.argv)!r}\n")
        environment = {**self.environment, "SPARK_LOCAL_DIRS": str(folder / "spark-local")}
        argv = self.archive.joined(command.argv) if self.archive else None
        if self.archive and argv:
            environment["SPARK_SUBMIT_OPTS"] = f"{environment.get('SPARK_SUBMIT_OPTS', '')} {self.archive.options}"
        child = Child(
            argv or command.argv,
            env=environment,
            cwd=folder,
            stdout=folder / "stdout",
            stderr=folder / "stderr",
        )
        step.attach(child)
        fault = self.faults.take("kill_step", step.name)
        timer = Timer(fault.after_s, child.signal, [signal.SIGKILL]) if fault else None
        if timer:
            timer.start()
        status = child.wait()
        if timer:
            timer.cancel()
        # A shell reports death by a signal as 128 + its number, and so does EMR.
        return status if status >= 0 else 128 - status

    def _injected(self, step: LocalStep, logs: StepLogs) -> dict[str, str] | None:
        if not self.faults.take("fail_step_after", step.name):
            return None
        return logs.details("Unknown Error.", f"Injected fault: step {step.name!r} ran, then failed")


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)
