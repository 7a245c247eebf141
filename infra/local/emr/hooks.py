"""What clusters need from outside: a runner of their steps, and faults to inject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from infra.local.emr.step import LocalStep


class StepRunner(Protocol):
    """Runs steps."""

    def run(self, step: LocalStep, *, cluster_id: str, log_uri: str | None) -> dict[str, str] | None:
        """Run a step to its end; EMR's `FailureDetails`, or None when it succeeded.

        A runner that starts a process attaches it to the step, so that the step can be stopped.

        Args:
            step: The step.
            cluster_id: Whose step it is.
            log_uri: Where the cluster keeps its logs; None keeps none.
        """


class Faults(Protocol):
    """Faults to inject, each a limited number of times."""

    def take(self, kind: str, name: str) -> object | None:
        """Use up one fault of a kind (`fail_bootstrap`, `suspend_fleet`, `no_spot`); None where none is armed.

        Args:
            kind: Of the fault.
            name: Of the cluster or fleet.
        """
