"""One thing that was checked."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, MISSING = "ok", "warning", "missing"


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Attributes:
        item: Its name, such as `java`.
        state: `OK`; `WARNING` where something works less well or not yet; `MISSING` where `make demo` cannot work.
        found: What is there.
        needed: What is needed, and what for.
        remedy: What to do; empty where there is nothing to do.
    """

    item: str
    state: str
    found: str
    needed: str = ""
    remedy: str = ""


def ok(item: str, found: str, needed: str = "") -> Finding:
    """All is well.

    Args:
        item: Its name, such as `java`.
        found: What is there.
        needed: What is needed, and what for; may be empty.
    """
    return Finding(item, OK, found, needed)


def warning(item: str, found: str, needed: str, remedy: str) -> Finding:
    """`make demo` can work, but.

    Args:
        item: Its name, such as `java`.
        found: What is there.
        needed: What is needed, and what for.
        remedy: What to do.
    """
    return Finding(item, WARNING, found, needed, remedy)


def missing(item: str, found: str, needed: str, remedy: str) -> Finding:
    """`make demo` cannot work.

    Args:
        item: Its name, such as `java`.
        found: What is there.
        needed: What is needed, and what for.
        remedy: What to do.
    """
    return Finding(item, MISSING, found, needed, remedy)
