"""The site is built strictly, all its links lead somewhere, and nothing of it comes from the network."""

import os
import re
import subprocess
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from infra.site.__main__ import BUILDER, ROOT, environment
from infra.site.pages import stage

FETCHED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
"""Elements whose address a browser fetches by itself, and its attribute."""


def build(folder, pages, **settings):
    """The builder's run, with the checkout's settings but for some."""
    lines = {"INHERIT": ROOT / "mkdocs.yml", "docs_dir": pages, "site_dir": folder / "site", **settings}
    config = folder / "mkdocs.yml"
    config.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    command = [str(BUILDER), "build", "--strict", "-f", str(config)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment(os.environ))


class Page(HTMLParser):
    """A page's links, ids, what it fetches, and its text outside code."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.fetched, self.text, self._code = [], set(), [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._code += tag in ("pre", "code", "script", "style")
        self.ids |= {given["id"]} if "id" in given else set()
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in FETCHED and given.get(FETCHED[tag]):
            self.fetched.append(given[FETCHED[tag]])

    def handle_endtag(self, tag):
        self._code -= tag in ("pre", "code", "script", "style")

    def handle_data(self, data):
        if not self._code:
            self.text.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    names = stage(ROOT, folder / "pages")
    done = build(folder, folder / "pages")
    assert done.returncode == 0, (
        f"each page of docs/ is in the nav of mkdocs.yml, and links lead somewhere:\n{done.stderr}"
    )
    built = {path.name: Page(path.read_text()) for path in (folder / "site").glob("*.html")}
    assert {name.replace(".md", ".html") for name in names} <= set(built)
    return folder / "site", built


def test_links_and_anchors(site):
    folder, pages = site
    broken = []
    for name, page in pages.items():
        for href in page.links:
            address = urlsplit(href)
            if address.scheme or name == "404.html":
                continue
            target = unquote(address.path) or name
            anchor = unquote(address.fragment)
            known = pages[target].ids if target in pages else ()
            if not (folder / target).exists() or (anchor and anchor not in known):
                broken.append(f"{name}: {href}")
    assert broken == []
    assert sum(len(page.links) for page in pages.values()) > 500


def test_nothing_comes_from_the_network(site):
    folder, pages = site
    assert [each for page in pages.values() for each in page.fetched if urlsplit(each).netloc] == []
    for style in folder.rglob("*.css"):
        text = re.sub(r'url\("data:[^"]*"\)|url\(data:[^)]*\)', "", style.read_text())
        assert not re.search(r"url\([\"']?(https?:)?//|@import", text), style


def test_tables_and_lists_are_recognised(site):
    """GitHub takes a list or table without an empty line before it; the site's Markdown does not."""
    for name, page in site[1].items():
        text = "".join(page.text)
        assert not re.search(r"^\* |\|-{3}|^```|\]\([\w#./-]+\)", text, re.MULTILINE), name


@pytest.mark.parametrize("link", ["a.md#nowhere", "gone.md", "#nowhere"])
def test_a_broken_link_is_an_error(tmp_path, link):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/index.md").write_text(f"# A\n\n[x]({link})\n")
    (tmp_path / "pages/a.md").write_text("# B\n")
    done = build(tmp_path, tmp_path / "pages", nav="[index.md, a.md]", extra_css="[]")
    assert done.returncode
    assert link in done.stderr
