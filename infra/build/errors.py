"""What can go wrong in a build."""

from __future__ import annotations


class BuildError(Exception):
    """Something that the build needs is missing, or is not what it should be; the message says what to do."""
