"""A page as a parser sees it: elements, their attributes, and the numbers inside."""

from __future__ import annotations

import json
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "img", "link", "hr"}
DRAWN_CLOSED = {"path", "rect", "image"}


class Page(HTMLParser):
    """Fails at the first element that is closed where another is open."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self._said = [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute comes twice in {tag}: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in DRAWN_CLOSED, f"{tag} cannot close itself"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"{tag} is closed, and none is open"
        assert self.open.pop() == tag, f"{tag} is closed where another is open"

    def handle_data(self, data):
        self._said.append((self.open[-1] if self.open else "", data))

    @property
    def text(self):
        """What readers see."""
        return " ".join(" ".join(data for tag, data in self._said if tag not in {"script", "style"}).split())

    @property
    def facts(self):
        """The document inside."""
        return json.loads(next(data for tag, data in self._said if tag == "script"))

    def all(self, tag):
        """Attributes of the elements of a name."""
        return [attributes for name, attributes in self.elements if name == tag]
