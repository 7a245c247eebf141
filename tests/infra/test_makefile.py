"""The tools of macOS are older: make 3.81, bash 3.2, BSD's sed, awk and grep. What they lack is not used."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
SCRIPTS = ("infra/install", "infra/python")

NEWER_MAKE = {
    "one shell for a recipe (3.82)": r"^\.ONESHELL",
    "assignment from a command (4.0)": r"^\w+ *!=",
    "POSIX assignment (4.0)": r"^\w+ *::=",
    "undefine (3.82)": r"^undefine\b",
    "private variables (3.82)": r"^private\b",
    "writing files (4.0)": r"\$\((file|guile) ",
    "grouped targets (4.3)": r"&:",
    "let and intcmp (4.4)": r"\$\((let|intcmp) ",
}
GNU_ONLY = {
    "sed writes no tabs": r"sed [^|\n]*\\t",
    "sed -i differs": r"\bsed -i",
    "sed -r is GNU's": r"\bsed -[a-z]*r",
    "grep -P is GNU's": r"\bgrep -[a-zA-Z]*P",
    "readlink -f is young": r"readlink -f",
    "no sha256sum before macOS 15": r"sha256sum(?!\.)",
    "no nproc": r"\bnproc\b",
    "date -d is GNU's": r"\bdate -d",
    "cp --option": r"\b(cp|ln|mkdir|touch|mktemp|rm|du|stat) --",
    "no realpath before macOS 13": r"\brealpath\b",
}
NEWER_BASH = {
    "associative arrays (4.0)": r"declare -A",
    "mapfile (4.0)": r"\b(mapfile|readarray)\b",
    "case of letters (4.0)": r"\$\{\w+(\^|,)",
    "both streams (4.0)": r"&>>|\|&",
    "negative substrings (4.2)": r"\$\{\w+: -",
}


@pytest.mark.parametrize(("what", "pattern"), [*NEWER_MAKE.items(), *GNU_ONLY.items()])
def test_makefile(what, pattern):
    assert not re.search(pattern, MAKEFILE, re.MULTILINE), what


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(("what", "pattern"), [*GNU_ONLY.items(), *NEWER_BASH.items()])
def test_scripts(script, what, pattern):
    assert not re.search(pattern, (ROOT / script).read_text(), re.MULTILINE), what


def test_the_older_make_ignores_shellflags_so_no_recipe_relies_on_them():
    """Without `-e`, a line's status is that of its last command: loops and lists of commands must end at a failure."""
    recipes = [line for line in MAKEFILE.splitlines() if line.startswith("\t")]
    for line in recipes:
        for done in re.findall(r"; *done", line):
            assert re.search(rf"\|\| exit *{re.escape(done)}", line), line
        assert not re.search(r"(?<!\|\| exit); (?!do\b|done\b)", line), line


def test_help_lists_every_documented_target():
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    wanted = re.findall(r"^([a-z-]+):.*## (.*)$", MAKEFILE, re.MULTILINE)
    assert done.stdout.splitlines() == [f"{name:<14}{text}" for name, text in wanted]
    assert {"doctor", "locks-check", "setup"} <= {name for name, _ in wanted}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("", "127.0.0.1,localhost"),
        ("internal.test", "127.0.0.1,localhost,internal.test"),
        ("a.test, b.test", "127.0.0.1,localhost,a.test,b.test"),
        ("*", None),  # nothing goes through a proxy as it is
    ],
)
def test_no_proxy_stands_before_this_machine(given, wanted):
    done = subprocess.run(
        ["make", "-pn", "help"], cwd=ROOT, env={"PATH": "/usr/bin:/bin", "NO_PROXY": given}, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert f"\nNO_PROXY := {wanted}\n" in done.stdout if wanted else "NO_PROXY := " not in done.stdout
