"""The lines as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.request.size_limit import CLEAR_PASSES, PASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.dag_check.check import Line

ABOUT = (
    f"Estimates are for typical passes ({PASSES} a month over each cell, {CLEAR_PASSES} of them clear) and the "
    "settings' prices: no catalogue is searched, no AWS account is used. A dry run of the DAG estimates a real month."
)


def page(lines: Sequence[Line], compared: str) -> str:
    """What the check prints.

    Args:
        lines: one for each AOI, and for each file that is wrong.
        compared: with what the history was compared.
    """
    width = max((len(line.name) for line in lines), default=0)
    rows = [f"{'wrong' if line.faults else 'ok':<6}{line.name:<{width}}  {_text(line)}" for line in lines]
    return "\n".join([ABOUT, compared, "", *rows, "", verdict(lines)]) + "\n"


def verdict(lines: Sequence[Line]) -> str:
    """How many are wrong, in a sentence."""
    wrong = [line.name for line in lines if line.faults]
    if wrong:
        return f"{len(wrong)} of {len(lines)} wrong: {', '.join(wrong)}"
    return f"all {len(lines)} well" if lines else "no AOI file: only the DAG of the trigger form"


def _text(line: Line) -> str:
    """On one line, whatever the messages hold."""
    return " ".join("; ".join([*line.faults, *line.facts]).split())
