"""A hint for a misspelt name."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def hint(given: object, known: Iterable[str]) -> str:
    """``did you mean <name>? `` where a known name is near; else nothing."""
    near = difflib.get_close_matches(str(given), list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""
