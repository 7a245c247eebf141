"""Errors of the extract step."""

from __future__ import annotations

from claylake.errors import ClaylakeError


class ExtractError(ClaylakeError):
    """The step's books do not balance: a bug, or a table changed under it. Nothing was published."""
