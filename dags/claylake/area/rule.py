"""The versions of the ownership rule, which decides which cells of a grid exist (`claylake.area.existence`).

An AOI keeps the rule that it began with: other cells are other work, so published months would be planned again.
"""

from __future__ import annotations

from typing import Final, Literal

Rule = Literal[1, 2]
RULES: Final[tuple[Rule, ...]] = (1, 2)
"""1: a zone owns its points. 2: a zone owns its points where ESA has tiles of it, else the nearest zone that has."""
NEWEST: Final[Rule] = 2
