"""No module of these rooms needs itself: imports within functions count, those for type checkers do not."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


def modules(package: Path) -> dict[str, Path]:
    found = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield child.module
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from imported(child)


@pytest.mark.parametrize(
    "package", [ROOT / name for name in ("spark", "dags/claylake", "model", "infra")], ids=lambda path: path.name
)
def test_there_is_no_circle(package: Path) -> None:
    known = modules(package)
    graph = {
        name: {other for other in imported(ast.parse(path.read_text())) if other in known and other != name}
        for name, path in known.items()
    }
    assert sum(map(len, graph.values())) > 20
    TopologicalSorter(graph).prepare()  # CycleError names the circle
