"""Findings as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.doctor.finding import MISSING, OK, WARNING, Finding


def page(findings: Sequence[Finding]) -> str:
    """A line for each thing that is well, up to three for each that is not, and a verdict."""
    lines = [line for finding in findings for line in _lines(finding)]
    return "\n".join([*lines, "", verdict(findings)]) + "\n"


def verdict(findings: Sequence[Finding]) -> str:
    """Whether `make demo` can work."""
    stops = [finding.item for finding in findings if finding.state == MISSING]
    if stops:
        return f"make demo cannot work here yet: see {', '.join(stops)}"
    notes = [finding.item for finding in findings if finding.state == WARNING]
    return "make demo can work here" + (f"; see {', '.join(notes)}" if notes else "")


def _lines(finding: Finding) -> Iterator[str]:
    line = f"{finding.state:<9}{finding.item:<14}{finding.found}"
    if finding.state == OK:
        yield f"{line} (needed: {finding.needed})" if finding.needed else line
    else:
        yield line
        yield f"{'':23}needed: {finding.needed}"
        yield f"{'':23}do: {finding.remedy}"
