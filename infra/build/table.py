"""What a build has made, as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.build.manifest import File

_GROUPED = ("jobs/", "mwaa/dags/")
_DIGITS = 12


def table(files: Iterable[File]) -> str:
    """Size and beginning of the digest of each file, largest first; jobs and DAGs as one line each."""
    rows: list[tuple[int, str, str]] = []
    groups: dict[str, list[int]] = {}
    for file in files:
        group = next((prefix for prefix in _GROUPED if file.name.startswith(prefix)), None)
        if group:
            groups.setdefault(group, []).append(file.size)
        else:
            rows.append((file.size, file.name, file.sha256[:_DIGITS]))
    rows += [(sum(sizes), f"{group} ({len(sizes)} files)", "") for group, sizes in groups.items()]
    rows.sort(key=lambda row: (-row[0], row[1]))
    total = sum(size for size, _, _ in rows)
    width = max(len(name) for _, name, _ in rows)
    lines = [f"{_size(size):>10}  {name:<{width}}  {digest}".rstrip() for size, name, digest in rows]
    return "\n".join([*lines, f"{_size(total):>10}  in all"])


def _size(count: int) -> str:
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
