"""One word for one thing: words that are out, and what to write instead, in code and pages alike."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUT = {
    r"(un)?told|(?<!\.)tells?|telling": "says, reports, shows; is given, is passed",
    r"handshake": "check of the environment",
    r"at[_ ]hand": "existing",
    r"tid(y(?!-imports)|ies|ied|ying)|upkeep": "maintain, maintenance",
    r"troubles?": "failure, error",
    r"ledgers?": "reading log",
    r"(a|an|the|of|per|each|every|both|two|these|those|all|failed) looks?|looks at|looked": "observation; read, checked",
    r"regroup(s|ed)?": "rebatch",
    r"(he|she|it|they) knows?|knows nothing": "holds, has, uses",
    r"whatever has happened": "name the event",
    r"ask(s|ed|ing)?": "requests, queries, checks",
    r"nobody|everybody|whoever": "name them: users, callers, other writers",
    r"believe[sd]?|admit(s|ted)?": "say what the program does: reports, accepts, writes",
    r"mangles?|lacks or": "damaged, missing",
    r"condemned|doomed": "leaked, to be ended",
}
"""Regular expression to what stands in its place."""
LEFT_OUT = re.compile(r"tests/.*|locks/.*\.txt|package-lock\.json|docs/images/.*\.png")
"""Tests, what tools write, and pictures."""


def pages():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in tracked.split() if not LEFT_OUT.fullmatch(name)]


def test_files_of_every_ending_are_read():
    assert {"Makefile", "infra/install", "infra/bin/bootstrap.sh", "locks/spark.in", "cdk.json"} <= set(pages())


@pytest.mark.parametrize(("word", "instead"), OUT.items())
def test_words_that_are_out(word, instead):
    pattern = re.compile(rf"\b({word})\b", re.IGNORECASE)
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in pages()
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, f"write instead: {instead}\n" + "\n".join(found)
