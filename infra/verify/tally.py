"""What a check found, counted."""

from __future__ import annotations

from dataclasses import dataclass

from infra.verify.judge import Finding


@dataclass(kw_only=True)
class Tally:
    """What was found so far.

    Attributes:
        chips: Rows checked.
        pixels: Band values that differ.
        unreadable: Chips of which nothing can be said.
        other: Findings of other kinds.
    """

    chips: int = 0
    pixels: int = 0
    unreadable: int = 0
    other: int = 0

    def add(self, finding: Finding) -> None:
        """Count it."""
        self.pixels += finding.pixels
        self.unreadable += finding.kind == "unreadable"
        self.other += finding.kind not in {"pixels", "unreadable"}

    @property
    def good(self) -> bool:
        """Whether every chip checked is right."""
        return not (self.pixels or self.unreadable or self.other)

    @property
    def line(self) -> str:
        """The verdict, in one line."""
        return (
            f"{self.chips:,} chips checked, {self.pixels:,} differing pixels, {self.unreadable:,} unreadable, "
            f"{self.other:,} other differences"
        )
