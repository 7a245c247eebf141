"""What a command may end with: its exit codes, and the errors that are the command's own."""

from __future__ import annotations

from enum import IntEnum

from claylake.errors import BadInputError, BudgetError, CatalogueError, ClaylakeError, UnusableMonthError


class ExitCode(IntEnum):
    """How a command ended; README lists them."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    REFUSED = 3
    CATALOGUE = 4
    LAKE_IN_USE = 5
    INTERRUPTED = 130


class LakeInUseError(ClaylakeError):
    """Another process writes to the lake."""


class MachineError(ClaylakeError):
    """This machine lacks something that Spark needs."""


class StepError(ClaylakeError):
    """A step of a month failed."""


def exit_code(error: ClaylakeError) -> ExitCode:
    """The exit code of an error that was raised on purpose."""
    if isinstance(error, LakeInUseError):
        return ExitCode.LAKE_IN_USE
    if isinstance(error, UnusableMonthError | BudgetError):
        return ExitCode.REFUSED
    if isinstance(error, BadInputError):
        return ExitCode.BAD_INPUT
    return ExitCode.CATALOGUE if isinstance(error, CatalogueError) else ExitCode.FAILED
