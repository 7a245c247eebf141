"""Messages that pages quote are the program's: each is in the code, with … where names and numbers are put in."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("docs/troubleshooting.md", "docs/aoi-files.md")
CODE = ("dags", "plugins", "spark", "model", "infra", "cli")
SHELL = ("infra/install", "infra/python", "infra/bin/bootstrap.sh", "infra/bin/gpu-discovery.sh")
FEW = 4
"""Words: what has less is a name or a command."""


@cache
def templates():
    """Every text of the code, as it would be shown, with … for what is put in."""
    found = []
    for path in (path for folder in CODE for path in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        constants = dict(assigned(tree))
        found += [text(node, constants) for node in ast.walk(tree) if isinstance(node, ast.Constant | ast.JoinedStr)]
    for name in SHELL:
        found.append(re.sub(r"\$\{[^}]*\}|\$\(\([^)]*\)\)|\$\([^)]*\)|\$\w+", "…", (ROOT / name).read_text()))
    return tuple(set(found))


def is_there(quote):
    """Whether some text of the code has the quote's parts in this order; … may leave out more than one of its …."""
    parts = [part for part in quote.split("…") if part.strip()]
    return any(in_order(each, parts) for each in templates())


def in_order(template, parts):
    place = 0
    for part in parts:
        found = template.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True


def assigned(tree):
    for node in tree.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if targets and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield ast.unparse(targets[0]), node.value.value


def text(node, constants):
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = []
    for part in node.values:
        shown = ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ""
        parts.append(text(part, constants) if isinstance(part, ast.Constant) else constants.get(shown, "…"))
    return "".join(parts)


def quoted(page):
    """Code in the first cells of tables that is long enough to be a message."""
    for line in (ROOT / page).read_text().splitlines():
        if line.startswith("| ") and (cell := line.split(" | ")[0]):
            yield from (each for each in re.findall(r"`([^`]+)`", cell) if len(each.split()) >= FEW)


@pytest.mark.parametrize("page", PAGES)
def test_messages_are_the_programs(page):
    assert [each for each in quoted(page) if not is_there(each)] == []


def test_messages_are_found():
    quotes = [each for page in PAGES for each in quoted(page)]
    assert len(quotes) > 60
    assert [each for each in quotes if max(map(len, each.split("…"))) < FEW + 1] == [], "more … than words"
    assert is_there("--lake …: it is a file; give a folder")
    assert not is_there("--lake …: it is a file; give a disk")
    assert not is_there("give a folder… it is a file")
