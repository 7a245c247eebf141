"""Errors of the extract step."""

from __future__ import annotations

from claylake.errors import ClaylakeError


class ExtractError(ClaylakeError):
    """The step's counts do not add up: a bug, or another writer changed a table. Nothing was published."""
