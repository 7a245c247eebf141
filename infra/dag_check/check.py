"""All that is checked, as one line for each AOI."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from infra.dag_check.areas import count
from infra.dag_check.bill import bill_of
from infra.dag_check.history import effects
from infra.dag_check.names import PREFIX, collision, dag_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.dag_check.areas import Area, Areas
    from infra.dag_check.bill import Bill
    from infra.dag_check.dags import Parsed

_AOI_CHECK: Final = "claylake_aoi_check.py"
"""It fails for AOI files that have lines of their own."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What there is to say of one AOI or file."""

    name: str
    faults: tuple[str, ...] = ()
    facts: tuple[str, ...] = field(default=())


def check(now: Areas, before: Areas | None, parsed: Parsed, moment: datetime) -> list[Line]:
    """Check everything.

    Args:
        now: the AOI files.
        before: their earlier version; None where there is none.
        parsed: what Airflow made of them.
        moment: the present, aware.
    """
    bills = {name: bill_of(count(area), area.settings, moment) for name, area in now.usable.items()}
    history = {} if before is None else effects(before, now, {name: bill.due for name, bill in bills.items()})
    lines = [_line(area, bills[name], history.get(name), parsed) for name, area in now.usable.items()]
    gone = [Line(name=name, facts=(f"history: {text}",)) for name, text in history.items() if name not in now.usable]
    bad = [Line(name=file, faults=(why,)) for file, why in now.problems.items()]
    return [*lines, *gone, *bad, *_others(now, parsed)]


def _line(area: Area, bill: Bill, history: str | None, parsed: Parsed) -> Line:
    dag = dag_id(area.name)
    no_dag = f"Airflow makes no DAG {dag} of it: see the lines of the DAG files"
    faults = [*bill.faults, *parsed.dags.get(dag, [no_dag])]
    collides = collision(area.name)
    if collides:
        faults.append(collides)
    return Line(name=area.name, faults=tuple(faults), facts=tuple(_facts(area, bill, history)))


def _facts(area: Area, bill: Bill, history: str | None) -> Iterator[str]:
    yield f"{count(area):,} cells"
    if bill.month is not None:
        yield f"about {bill.month.chips:,} chips and {bill.month.usd:,.2f} USD a month"
    yield f"months from {area.settings.schedule.start_month}, {bill.due} of them due"
    yield from area.remarks
    if history is not None:
        yield f"history: {history}"


def _others(now: Areas, parsed: Parsed) -> Iterator[Line]:
    """DAG files that fail to import, and DAGs of no AOI with a fault."""
    for file, why in parsed.imports.items():
        if file != _AOI_CHECK or not now.problems:
            yield Line(name=file, faults=(f"fails to import: {why}",))
    for dag, faults in parsed.dags.items():
        if faults and not dag.startswith(PREFIX):
            yield Line(name=dag, faults=tuple(faults))
