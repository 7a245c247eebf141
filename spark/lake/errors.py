"""Errors of the lake. Catch `LakeError`, or one of its kinds by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.errors import ClaylakeError

if TYPE_CHECKING:
    from collections.abc import Mapping


class LakeError(ClaylakeError):
    """Base of what goes wrong between a run and the tables."""


class AuditError(LakeError):
    """A branch failed its audits: nothing was published, and the branch is kept.

    Attributes:
        offending: check name to the number of offending rows, the failed ones only.
    """

    is_final = True

    def __init__(self, branch: str, offending: Mapping[str, int], advice: str) -> None:
        found = ", ".join(f"{name}: {rows} row(s)" for name, rows in sorted(offending.items()))
        super().__init__(f"branch {branch} failed its audits ({found}); nothing was published. {advice}")
        self.offending = dict(offending)


class TooManyFailuresError(LakeError):
    """More of a month failed than the run may lose.

    Attributes:
        failed: (cell, pass) pairs that failed.
        candidates: all (cell, pass) pairs.
        allowed: the allowed fraction.
    """

    is_final = True

    def __init__(self, failed: int, candidates: int, allowed: float, reasons: str) -> None:
        super().__init__(
            f"{failed} of {candidates} (cell, pass) failed ({failed / candidates:.2%}; limits.max_failed_frac allows "
            f"{allowed:.2%}): {reasons}. Nothing was published and the branch is kept: run the month again, which "
            "tries only what failed, or raise max_failed_frac"
        )
        self.failed = failed
        self.candidates = candidates
        self.allowed = allowed


class PublishRaceError(LakeError):
    """Main kept moving: every attempt to make a branch main was refused.

    Attributes:
        table: the first one that is not published.
        attempts: how many were made.
        shared: by table that was rebuilt, rows of the run whose key others have published meanwhile.
    """

    def __init__(self, table: str, attempts: int, shared: Mapping[str, int]) -> None:
        rows = ", ".join(f"{number} of {name}" for name, number in shared.items()) or "none"
        super().__init__(
            f"main of {table} moved during each of {attempts} attempts to publish (rows that other runs have also "
            f"published meanwhile: {rows}). The branch is kept, and clearing the task is safe: publish again when "
            "fewer runs publish at once; cluster.max_clusters limits them"
        )
        self.table = table
        self.attempts = attempts
        self.shared = dict(shared)
