"""What a changed AOI file or changed settings do to months that are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claylake.month import Month
from claylake.plan import selection_digest
from infra.dag_check.names import dag_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claylake.configuration.settings import Settings
    from infra.dag_check.areas import Area, Areas

_VECTORS: Final = ("encoder.model", "encoder.convention")
"""Settings that decide which vectors there are."""
_START: Final = "schedule.start_month"


def effects(before: Areas, now: Areas, due: Mapping[str, int]) -> dict[str, str]:
    """By AOI, those that are gone among them, what becomes of its history.

    Args:
        before: the earlier files.
        now: the present ones.
        due: months of each present AOI that are due.
    """
    # A file that is there and cannot be read is not gone.
    broken = {file.partition(".")[0].lower() for file in now.problems}
    gone = {name: area for name, area in before.usable.items() if name not in now.usable and name not in broken}
    found = {}
    for name, area in now.usable.items():
        old = before.usable.get(name)
        found[name] = "; ".join(_changed(old, area, due[name])) if old else _new(area, gone, due[name])
    for name in gone:
        found[name] = (
            f"its file is gone, and with it the DAG {dag_id(name)}; rows of its chips and vectors stay in the tables"
        )
    return found


def _new(area: Area, gone: Mapping[str, Area], due: int) -> str:
    new = f"a new DAG {dag_id(area.name)}, paused at first"
    for old in gone.values():
        if old.digest == area.digest:
            same = selection_digest(old.settings.selection) == selection_digest(area.settings.selection)
            then = (
                "months that it published are found done" if same else "months are read again for the changed selection"
            )
            return f"named {old.name} before: {new}; runs of {dag_id(old.name)} stay as they are, and {then}"
    return f"new: {new}, with {_months(due)} to make"


def _changed(old: Area, new: Area, due: int) -> Iterator[str]:
    yield _cells(old, new, due)
    changed = _differences(old.settings, new.settings)
    selection = [key for key in changed if key.startswith("selection.")]
    vectors = [key for key in changed if key in _VECTORS]
    if selection:
        yield (
            f"selection changed ({_listed(selection, changed)}) and with it the digest: months that are run again are "
            "read again, the others keep their chips"
        )
    if vectors:
        yield f"vectors changed ({_listed(vectors, changed)}): months that are run again get new vectors"
    if _START in changed:
        yield _start(*changed[_START])
    others = [key for key in changed if key not in {*selection, *vectors, _START, "grid.ownership"}]
    if others:
        yield f"other settings changed ({_listed(others, changed)}): they count from the next run on"


def _cells(old: Area, new: Area, due: int) -> str:
    if old.digest == new.digest:
        return "same cells"
    before, now = old.ids(), new.ids()
    added, removed = len(now - before), len(before - now)
    parts = []
    if added:
        parts.append(
            f"{added:,} cells added ({_months(due)} to be made again, by a backfill or by clearing their runs)"
        )
    if removed:
        parts.append(f"{removed:,} cells removed (their rows stay in the tables)")
    if old.cells.digests == new.cells.digests:
        parts.append(
            f"by ownership rule {new.rule} instead of {old.rule}: months that are run again observe new cells alone"
        )
    else:
        parts.append("months that are run again are read again for the new outline, and chips that exist stay")
    return ", ".join(parts)


def _start(old: str, new: str) -> str:
    first, last = Month.parse(new), Month.parse(old)
    if first > last:
        return f"starts {new} instead of {old}: months before stay as they are"
    return f"starts {new} instead of {old}: where the DAG has run already, the months before {old} need a backfill"


def _differences(old: Settings, new: Settings) -> dict[str, tuple[Any, Any]]:
    """Settings that differ, by section and key: (before, now)."""
    before, now = _flat(old), _flat(new)
    return {key: (before.get(key), now.get(key)) for key in {**before, **now} if before.get(key) != now.get(key)}


def _flat(settings: Settings) -> dict[str, Any]:
    document = settings.model_dump(mode="json")
    return {f"{section}.{key}": value for section, values in document.items() for key, value in (values or {}).items()}


def _listed(keys: list[str], changed: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{key} {changed[key][0]} -> {changed[key][1]}" for key in keys)


def _months(number: int) -> str:
    return "1 month" if number == 1 else f"{number} months"
