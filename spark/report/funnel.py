"""From the catalogue's scenes to vectors: how many remain at each step, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from claylake.vocabulary import FAILED, OUTCOME_CHIP, REJECTED
from spark.report.markup import reasons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claylake.plan import Found


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One bar: what it counts, how many, and what left before it, by reason."""

    label: str
    number: int
    lost: dict[str, int] = field(default_factory=dict)


def of_scenes(found: Found, read: int | None) -> tuple[Stage, ...]:
    """Scenes of the catalogue search of this run; `read` is None where no scene was read."""
    stages = [Stage(label="scenes listed for the months", number=found.listed)]
    if found.listed:
        unusable = {reason.replace("_", " "): n for reason, n in found.unusable.items()}
        stages.append(Stage(label="can be used", number=found.usable, lost=unusable))
        left = {
            "above max_scene_cloud": found.too_cloudy,
            "other days than start_date to end_date": found.other_date,
            "read by an earlier run": found.settled,
        }
        stages.append(Stage(label="to be read by this run", number=found.kept, lost=_filled(left)))
    if read is not None:
        stages.append(Stage(label="read by this run", number=read))
    return tuple(stages)


def of_observations(
    outcomes: Mapping[str, int], chips: int, vectors: int, unembedded: Mapping[str, int]
) -> tuple[Stage, ...]:
    """What the tables have of the area's months, whichever run made it.

    Args:
        outcomes: of observations.
        chips: rows of chips.
        vectors: rows of embeddings of the run's kind.
        unembedded: chips that could not be embedded, by reason.
    """
    lost = {f"rejected, {reason}": n for reason, n in reasons(outcomes, REJECTED).items()}
    lost |= {f"failed, {reason}": n for reason, n in reasons(outcomes, FAILED).items()}
    stages = [Stage(label="observations: a cell in a pass", number=sum(outcomes.values()))]
    stages.append(Stage(label="observations with a chip", number=outcomes.get(OUTCOME_CHIP, 0), lost=lost))
    if chips != outcomes.get(OUTCOME_CHIP, 0):
        stages.append(Stage(label="chips whose pixels are kept", number=chips))
    failed = {f"failed, {reason.replace('_', ' ')}": n for reason, n in unembedded.items()}
    stages.append(Stage(label="vectors", number=vectors, lost=_filled(failed)))
    return tuple(stages)


def drawn(stages: Sequence[Stage], heading: str) -> str:
    """The bars, with what was lost between two of them."""
    most = max((stage.number for stage in stages), default=0) or 1
    parts: list[str] = []
    for stage in stages:
        parts.extend(
            f'<li class="lost"><b>&minus;{n:,}</b> {escape(reason)}</li>'
            for reason, n in sorted(stage.lost.items(), key=lambda pair: (-pair[1], pair[0]))
        )
        parts.append(
            f'<li><span class="bar"><i style="width:{100 * stage.number / most:.1f}%"></i></span>'
            f"<b>{stage.number:,}</b> {escape(stage.label)}</li>"
        )
    lines = "\n".join(parts)
    return f'<div><h3>{escape(heading)}</h3>\n<ul class="funnel">\n{lines}\n</ul></div>'


def _filled(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: n for reason, n in counts.items() if n}
