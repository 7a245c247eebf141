"""An EMR step that runs as a process."""

from __future__ import annotations

import signal
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.utils import utcnow
from moto.emr.models import Step

if TYPE_CHECKING:
    from collections.abc import Mapping

DONE = ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")


class Process(Protocol):
    """What a step runs as."""

    @property
    def pid(self) -> int:
        """Process id."""

    def signal(self, number: int) -> None:
        """Send a signal to the process and everything it started."""


class LocalStep(Step):  # type: ignore[misc]  # moto comes without types
    """A step with the state, reason and timeline that EMR would report.

    Args:
        request: The `StepConfig` of the call, as moto parses it.
    """

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(
            state="PENDING",
            name=request["Name"],
            hadoop_jar_step=request.get("HadoopJarStep"),
            action_on_failure=request.get("ActionOnFailure") or "TERMINATE_CLUSTER",
        )
        self.failure: dict[str, str] | None = None
        self.process: Process | None = None
        self._stop_signal: int | None = None
        self._lock = Lock()

    @property
    def is_done(self) -> bool:
        """Whether the step has reached a state it will not leave."""
        return self.state in DONE

    @property
    def was_stopped(self) -> bool:
        """Whether a cancel call or the cluster's end has stopped the step."""
        return self._stop_signal is not None

    @property
    def text_size(self) -> int:
        """Characters of the step's strings, which EMR limits."""
        return sum(map(len, (self.name, self.jar, *self.args)))

    @property
    def status(self) -> dict[str, Any]:
        """`StepStatus` of the EMR API."""
        status = {**super().status, "StateChangeReason": {}}
        return {**status, "FailureDetails": self.failure} if self.failure else status

    def start(self) -> None:
        """Nothing: moto calls this at once, the cluster's thread uses `enter`."""

    def enter(self, state: str, failure: dict[str, str] | None = None) -> None:
        """Move to a state and stamp the timeline."""
        if state == "RUNNING":
            self.start_date_time = utcnow()
        elif state in DONE:
            self.failure = failure
            self.end_date_time = utcnow()
        self.state = state

    def attach(self, process: Process) -> None:
        """Tie the step to its process, which dies at once if a stop came first."""
        with self._lock:
            self.process = process
            if self._stop_signal is not None:
                process.signal(self._stop_signal)

    def stop(self, number: int = signal.SIGKILL) -> None:
        """Signal the step's processes, now or as soon as they start."""
        with self._lock:
            self._stop_signal = number
            if self.process is not None:
                self.process.signal(number)
