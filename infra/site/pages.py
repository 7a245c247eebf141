"""The pages of the site: the Markdown of `docs/` and three pages of the root, with links as the site needs them.

In the checkout pages name each other in code spans (`docs/demo.md`), which any reader of the files can follow. On the
site these become links with the page's title. Links to files that are no pages become plain text: the site has no
sources, and names no address of them.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT_PAGES: Final[Mapping[str, str]] = {
    "README.md": "overview.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
}
"""Pages that lie beside `docs/`, and their names on the site."""
IMAGES: Final = "docs/images"
STYLE: Final = Path(__file__).with_name("extra.css")
_FENCE: Final = re.compile(r"^ *(```|~~~)")
_LINK: Final = re.compile(r"(?<!!)\[((?:[^\[\]`]|`[^`]*`)*)\]\(([^()\s]+)\)")
_NAMED: Final = re.compile(
    r"(?<!\[)(?:`(docs/[\w-]+\.md|ARCHITECTURE\.md|CONTRIBUTING\.md)`|(?<![\w/`])(ARCHITECTURE\.md|CONTRIBUTING\.md)(?![\w`]))"
)
"""A page that a sentence names. README is named in other senses, too."""
_PICTURE: Final = re.compile(r"(!\[[^\[\]]*\])\(([^()\s]+)\)")
_EXTERNAL: Final = re.compile(r"[a-z][a-z+.-]*:|#")


def sources(root: Path) -> dict[str, Path]:
    """The pages' files by their path in the checkout, e.g. ``docs/demo.md``.

    Args:
        root: of the checkout.
    """
    names = [*(f"docs/{path.name}" for path in sorted((root / "docs").glob("*.md"))), *ROOT_PAGES]
    return {name: root / name for name in names}


def site_name(source: str) -> str:
    """What a page of the checkout is called on the site."""
    return ROOT_PAGES.get(source) or source.removeprefix("docs/")


def title(markdown: str) -> str:
    """The first heading, as far as its colon."""
    heading = next(line for line in markdown.splitlines() if line.startswith("# "))
    return heading.removeprefix("# ").partition(": ")[0].strip()


def stage(root: Path, out: Path) -> list[str]:
    """Write the pages of the site, anew; gives their names.

    Args:
        root: of the checkout.
        out: folder for the pages.
    """
    texts = {name: path.read_text(encoding="utf-8") for name, path in sources(root).items()}
    titles = {name: title(text) for name, text in texts.items()}
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy(STYLE, out)
    if (root / IMAGES).is_dir():
        shutil.copytree(root / IMAGES, out / site_name(IMAGES))
    for name, text in texts.items():
        (out / site_name(name)).write_text(for_site(text, name, titles), encoding="utf-8")
    return [site_name(name) for name in texts]


def for_site(markdown: str, source: str, titles: Mapping[str, str]) -> str:
    """A page with its links as the site needs them; code stays as it is.

    Args:
        markdown: of the page.
        source: its path in the checkout.
        titles: of all pages, by their path in the checkout.
    """
    lines, fence = [], ""
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        lines.append(line if fence or mark else _linked(line, source, titles))
    return "\n".join(lines) + "\n"


def _linked(line: str, source: str, titles: Mapping[str, str]) -> str:
    kept: list[str] = []

    def picture(found: re.Match[str]) -> str:
        return f"{found[1]}({site_name(_in_checkout(found[2], source))})"

    def link(found: re.Match[str]) -> str:
        kept.append(_target(found[1], found[2], source, titles))
        return f"\0{len(kept) - 1}\0"

    def named(found: re.Match[str]) -> str:
        page = found[1] or found[2]
        return f"[{titles[page]}]({site_name(page)})" if page in titles and page != source else found[0]

    line = _NAMED.sub(named, _LINK.sub(link, _PICTURE.sub(picture, line)))
    return re.sub(r"\0(\d+)\0", lambda found: kept[int(found[1])], line)


def _target(text: str, address: str, source: str, titles: Mapping[str, str]) -> str:
    if _EXTERNAL.match(address):
        return f"[{text}]({address})"
    path, hash_mark, anchor = address.partition("#")
    named = _in_checkout(path, source)
    return f"[{text}]({site_name(named)}{hash_mark}{anchor})" if named in titles else text


def _in_checkout(path: str, source: str) -> str:
    """A path that a page of the checkout names, from the root."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
