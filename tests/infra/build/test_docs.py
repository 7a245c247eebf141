"""What the documentation quotes is so."""

import re
import subprocess

import pytest

from infra.costs import ENDPOINTS, at_rest, per_thousand, rate, stages
from infra.fits import table
from infra.local.options import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
DEPLOY = (REPOSITORY / "docs/deploy.md").read_text()
WRITTEN = ("dags/deployed.json", "dags/constraints.txt")
"""Files of the DAGs folder on AWS."""
PAGES = [
    *(f"docs/{path.name}" for path in sorted((REPOSITORY / "docs").glob("*.md"))),
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
]


def test_the_tables_of_costs_are_the_computed_ones():
    """After a change on purpose: .venv/infra/bin/python -m infra.costs, and into docs/deploy.md."""
    assert "\n".join(at_rest(stages())) in DEPLOY
    assert "\n".join(per_thousand()) in DEPLOY


def test_the_table_of_memory_is_the_computed_one():
    """After a change on purpose: .venv/infra/bin/python -m infra.fits, and into docs/cluster.md."""
    assert "\n".join(table()) in (REPOSITORY / "docs/cluster.md").read_text()
    rows = [line.split(" | ") for line in table()][2:]
    assert min(int(row[-1].strip(" |").replace(",", "")) for row in rows) >= 512


def test_a_thousand_chips_by_hand():
    """g6.2xlarge, spot: 8 vCPUs, 1 GPU, 0.9776 USD/h; m7i.xlarge beside it, 0.2016 USD/h."""
    extract, embed = (2000 / 200 + 1000 / 20) / 8 / 3600, 1000 / 60 / 3600
    disk = (0.48 * 1000 + 0.005 * 1000) * 1e6 * 0.19 * 3 / (250 * 2**20) / 3600
    finish = 0.15 + disk
    lost = sum(0.01 * hours * (0.25 + hours / 2) for hours in (extract, embed, finish))
    lost -= 0.01 * 0.15 * (0.25 + 0.15 / 2)  # which is the run's, not the chips'
    hours = extract + embed + disk + lost
    # Disks of 50 GiB instead of 40, all the run.
    gp3 = (0.08 * (50 + 60 + 60) + 0.04 * 125) / 730
    usd = hours * (0.9776 * (0.4 + 0.25) + 0.2016 * 1.25 + gp3)
    empty_h = 0.25 + 0.15 + 0.01 * 0.15 * (0.25 + 0.15 / 2)
    usd += empty_h * 0.08 * 10 / 730
    assert rate("g6.2xlarge", "auto").spot_usd == pytest.approx(usd)


def test_endpoints_are_as_many_as_are_made():
    listed = re.search(
        r"_ENDPOINTS = \((.*?)\)", (REPOSITORY / "infra/cloud/constructs/network.py").read_text(), re.DOTALL
    )
    assert listed[1].count('"') == 2 * ENDPOINTS


@pytest.mark.parametrize("page", PAGES)
def test_files_and_make_targets_that_are_named_exist(page):
    text = (REPOSITORY / page).read_text()
    for name in re.findall(r"`((?:docs|infra|locks|tests|dags|spark)/[\w./-]+\.\w+)`", text):
        assert name in WRITTEN or name.startswith("dags/aois/") or (REPOSITORY / name).exists(), name
    assert set(re.findall(r"(?m)(?:`|^)make ([a-z-]+)", text)) <= TARGETS


def written(text):
    """The page without its code."""
    return re.sub(r"`[^`\n]*`", "code", re.sub(r"(?ms)^ *(```|~~~).*?^ *\1$", "", text))


def anchors(text):
    """Of a page's headings, as hosts of repositories make them from the words."""
    headings = re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?ms)^ *(```|~~~).*?^ *\1$", "", text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page, text):
    """Links of a page that lead nowhere in the checkout."""
    for link in re.findall(r"\]\(([^()\s]+)\)", written(text)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            yield link


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert list(broken(page, (REPOSITORY / page).read_text())) == []


def test_broken_links_are_found():
    text = (
        "[a](demo.md) [b](gone.md) `[c](gone.md)` [d](demo.md#months) [e](demo.md#gone) [f](../Makefile) [g](#a)\n# A\n"
    )
    assert list(broken("docs/setup.md", text)) == ["gone.md", "demo.md#gone", "#a"]


def test_readme_names_targets_and_folders_that_exist():
    named = set(re.findall(r"(?m)(?:`|^)make ([a-z-]+)", README))
    assert named <= TARGETS
    assert {"doctor", "demo", "cli", "model", "deploy", "docs-images", "clean"} <= named
    layout = README.partition("## Where things are")[2].partition("\n\nARCHITECTURE")[0]
    folders = {
        name
        for line in layout.splitlines()
        for name in re.findall(r"`(\w+)/`", line.split("|")[1] if "|" in line else "")
    }
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert folders == {name.partition("/")[0] for name in tracked.split() if "/" in name and not name.startswith(".")}


def test_pages_that_readme_names_exist():
    pages = set(re.findall(r"docs/[\w-]+\.md", README))
    assert len(pages) > 15
    assert [page for page in sorted(pages) if not (REPOSITORY / page).exists()] == []


def test_readme_says_what_make_clean_removes():
    (removed,) = re.findall(r"^clean:.*\n\trm -rf (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    (line,) = [line for line in README.splitlines() if line.endswith("| `make clean` |") and "checkout" in line]
    assert set(re.findall(r"`([\w.]+)`", line.split("|")[2])) <= set(removed.split())
