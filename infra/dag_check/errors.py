"""What the check refuses."""

from __future__ import annotations


class CheckError(Exception):
    """An argument that cannot be used; it says what was given, what is allowed, and what to do."""
