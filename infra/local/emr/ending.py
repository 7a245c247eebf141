"""Why clusters end, and how fast they get there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ClusterPace:
    """How fast a cluster moves.

    Attributes:
        state_delay_s: Seconds in each passing state.
        idle_speed: How much faster than real time idle seconds count.
    """

    state_delay_s: float
    idle_speed: float


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Why a cluster ends, in the words of `ClusterStateChangeReason`."""

    code: str
    message: str
    is_error: bool = False

    @property
    def state(self) -> str:
        """The cluster's last state."""
        return "TERMINATED_WITH_ERRORS" if self.is_error else "TERMINATED"


BY_USER = Ending(code="USER_REQUEST", message="Terminated by user request")
STEPS_DONE = Ending(code="ALL_STEPS_COMPLETED", message="Steps completed")
STEP_FAILED = Ending(code="STEP_FAILURE", message="Shut down as step failed", is_error=True)
BOOTSTRAP_FAILED = Ending(
    code="BOOTSTRAP_FAILURE",
    message="On the master instance (i-local), bootstrap action 1 returned a non-zero return code",
    is_error=True,
)
