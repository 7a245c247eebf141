"""What docs/cluster.md quotes is what EMR is asked for."""

import re

import pytest

from tests.dags.domain import golden_requests


def lines(text):
    return "\n".join(line.strip() for line in text.strip().splitlines())


def quotes(page):
    return re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)


@pytest.fixture(scope="module")
def page(pytestconfig):
    return (pytestconfig.rootpath / "docs" / "cluster.md").read_text()


def test_every_quote_is_in_a_request(page):
    files = [lines((golden_requests.FOLDER / f"{layout}.json").read_text()) for layout in golden_requests.LAYOUTS]
    assert len(quotes(page)) > 15
    for quote in quotes(page):
        assert any(lines(quote) in file for file in files), quote


@pytest.mark.parametrize("layout", golden_requests.LAYOUTS)
def test_every_key_of_a_request_is_explained(page, layout):
    """Nothing is asked of EMR that the page does not show."""
    told = "\n".join(quotes(page)) + page
    keys = set(golden_requests.requests(layout)["RunJobFlow"])
    keys |= set(golden_requests.requests(layout)["RunJobFlow"]["Instances"]) - {"InstanceFleets"}
    keys -= {"Configurations", "BootstrapActions", "Instances", "Tags"}  # quoted by their content
    assert [key for key in sorted(keys) if f'"{key}"' not in told] == []
