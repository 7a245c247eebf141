"""Why chips could not be checked. Catch `VerifyError`."""

from __future__ import annotations


class VerifyError(Exception):
    """Nothing can be checked at all: the message says what was given, what is needed, and what to do."""


class UnreadableError(Exception):
    """A chip or its scene cannot be read, so that nothing can be said of the chip."""
