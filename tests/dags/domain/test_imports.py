import ast
import sys

import pytest


def imported(tree):
    """Top-level modules imported when a module is loaded: not within functions, not for type checkers."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.ClassDef | ast.Try):
            yield from imported(node)


@pytest.fixture
def sources(pytestconfig):
    return sorted((pytestconfig.rootpath / "dags" / "claylake").rglob("*.py"))


def test_the_domain_loads_with_the_standard_library_and_pydantic_alone(sources):
    allowed = {*sys.stdlib_module_names, "claylake", "pydantic"}
    assert len(sources) > 20
    for path in sources:
        assert set(imported(ast.parse(path.read_text()))) <= allowed, path.name
