"""No test lies where pytest does not search for tests."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_every_folder_of_tests_is_searched(request):
    passed_over = request.config.getini("norecursedirs")
    folders = {part for path in TESTS.rglob("test_*.py") for part in path.relative_to(TESTS).parts[:-1]}
    assert {"build", "plugins"} <= folders
    assert not [(folder, pattern) for folder in folders for pattern in passed_over if fnmatch(folder, pattern)]
