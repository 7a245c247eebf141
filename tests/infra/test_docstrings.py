"""A public function of three or more parameters describes each of them under `Args:`."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FROM_OUTSIDE = {"forward", "get_link", "generate_run_id", "increment"}
"""Methods whose parameters are torch's, Airflow's or urllib3's."""
MOST_WITHOUT = 2


def functions(room):
    command = ["git", "ls-files", f"{room}/*.py"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.split():
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield name, node


def parameters(node):
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [each.arg for each in every if each.arg not in ("self", "cls")]


@pytest.mark.parametrize("room", ["dags", "plugins", "spark", "model", "infra"])
def test_every_parameter_is_described(room):
    missing = []
    for name, node in functions(room):
        wanted = parameters(node)
        if len(wanted) <= MOST_WITHOUT or node.name in FROM_OUTSIDE:
            continue
        described = (ast.get_docstring(node) or "").partition("Args:")[2]
        missing += [
            f"{name}:{node.lineno}: {node.name}: {each}"
            for each in wanted
            if not re.search(rf"^ +(?:\w+, )*{each}(?:, \w+)*:", described, re.MULTILINE)
        ]
    assert not missing, "\n".join(missing)
