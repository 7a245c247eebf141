"""What drawing ends with."""

from __future__ import annotations


class PictureError(Exception):
    """A picture cannot be drawn, or would be too large for a repository."""
