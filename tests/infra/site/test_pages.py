"""Links of the checkout's pages become links of the site."""

import pytest

from infra.site.pages import for_site, site_name, title

TITLES = {"README.md": "claylake", "ARCHITECTURE.md": "How", "docs/demo.md": "The demo's world", "docs/a.md": "A"}


@pytest.mark.parametrize(
    ("source", "line", "wanted"),
    [
        ("docs/a.md", 'see `docs/demo.md`, "Months"', 'see [The demo\'s world](demo.md), "Months"'),
        ("README.md", "(`docs/demo.md`)", "([The demo's world](demo.md))"),
        ("docs/a.md", "ARCHITECTURE.md says", "[How](architecture.md) says"),
        ("docs/a.md", "`ARCHITECTURE.md` says", "[How](architecture.md) says"),
        ("docs/a.md", "notes (`README.md`)", "notes (`README.md`)"),  # of another folder
        ("docs/a.md", "`docs/a.md` is this page", "`docs/a.md` is this page"),
        ("docs/a.md", "`docs/gone.md`", "`docs/gone.md`"),
        ("docs/a.md", "[months](demo.md#months)", "[months](demo.md#months)"),
        ("docs/a.md", "[start](../README.md#two-commands)", "[start](overview.md#two-commands)"),
        ("README.md", "[demo](docs/demo.md#months)", "[demo](demo.md#months)"),
        ("README.md", "[`x` and y](infra/costs.py)", "`x` and y"),  # no page: the site has no sources
        ("README.md", "![a picture](docs/images/a.png)", "![a picture](images/a.png)"),
        ("docs/a.md", "![a picture](images/a.png)", "![a picture](images/a.png)"),
        ("docs/a.md", "[`docs/demo.md`](demo.md)", "[`docs/demo.md`](demo.md)"),
        (
            "docs/a.md",
            "[here](#part) and [there](https://example.org/a)",
            "[here](#part) and [there](https://example.org/a)",
        ),
        ("docs/a.md", "| `docs/demo.md` | `a` |", "| [The demo's world](demo.md) | `a` |"),
    ],
)
def test_lines(source, line, wanted):
    assert for_site(line, source, TITLES) == f"{wanted}\n"


def test_code_blocks_stay():
    page = "```sh\ncat `docs/demo.md`\n```\n`docs/demo.md`\n~~~\n```\n`docs/demo.md`\n~~~\n"
    assert for_site(page, "docs/a.md", TITLES) == page.replace(
        "```\n`docs/demo.md`\n~~~\n```", "```\n[The demo's world](demo.md)\n~~~\n```"
    )


def test_names_and_titles():
    assert [site_name(name) for name in ("README.md", "docs/demo.md")] == ["overview.md", "demo.md"]
    assert title("<!-- x -->\n# Verify: are the chips right?\n\n# No\n") == "Verify"
