"""Whether a scene's metadata or its pixels permit what its chips say of their radiometry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from infra.verify import rules
from infra.verify.judge import Finding, moment
from infra.verify.rules import Low
from infra.verify.scene_files import Source


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What runs recorded of a scene, in the table `scenes`.

    Attributes:
        low: Clear and dark pixels, the most that a run counted.
        is_set: A person had set the radiometry.
    """

    low: Low = field(default_factory=Low)
    is_set: bool = False

    def __or__(self, other: Recorded) -> Recorded:
        return Recorded(low=max(self.low, other.low, key=lambda low: low.clear), is_set=self.is_set or other.is_set)

    def permits(self, radiometry: str) -> bool:
        """Whether this would make it right."""
        return self.is_set or (self.low.clear > 0 and self.low.refutes_offset == (radiometry == "as_published"))


@dataclass(kw_only=True)
class SceneRadiometry:
    """What was read of one scene, of the chips of one run.

    Attributes:
        source: Its item.
        low: Clear and dark pixels of all chips read.
        said: The column `radiometry`, each value with the first chip that says it.
    """

    source: Source
    low: Low = field(default_factory=Low)
    said: dict[str, str] = field(default_factory=dict)

    def add(self, chip: str, radiometry: str, low: Low) -> None:
        """Count one chip's pixels.

        Args:
            chip: Its id.
            radiometry: As its row says.
            low: Of its files.
        """
        self.low += low
        self.said.setdefault(radiometry, chip)

    def findings(self) -> Iterator[Finding]:
        """What neither metadata nor the pixels read permit."""
        source = self.source
        expected, rule = rules.by_metadata(source.collection, source.baseline, source.flag, moment(source.datetime))
        share = f"{self.low.below:,} of {self.low.clear:,} clear pixels are below 1,000"
        if len(self.said) > 1:
            yield self._finding(f"chips of {source.id} by one run are {' and '.join(sorted(self.said))}", *self.said)
        for said in self.said:
            if said == "minus_1000" and self.low.refutes_offset:
                yield self._finding(f"minus_1000, but {source.id} has no offset left: {share}", said)
            elif said != expected and not (said == "as_published" and self.low.refutes_offset):
                wanted = f"calls for {expected}" if expected else "contradicts itself"
                yield self._finding(f"{said}, but {source.id} {wanted} ({rule}); {share}", said)

    def _finding(self, text: str, *said: str) -> Finding:
        return Finding(chip=self.said[said[-1]], kind="radiometry", text=text)
