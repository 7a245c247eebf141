"""Words that scripts of embedding pipelines use, as the options that they mean here.

``aoi_bounds=[w,s,e,n] start_date=2024-07-05 end_date=2024-07-20``, and ``input_table=... output_table=...``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claylake.errors import BadInputError
from claylake.nearest import hint
from claylake.vocabulary import CATALOG, CHIPS, EMBEDDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

_DATES: Final = ("start_date", "end_date")
_TABLES: Final = {
    "extract": {"output_table": CHIPS},
    "embed": {"input_table": CHIPS, "output_table": EMBEDDINGS},
}
"""By command: which table a word names."""
_WORDS: Final = ("aoi_bounds", *_DATES, "input_table", "output_table")


@dataclass(frozen=True, kw_only=True)
class Named:
    """What the words say: the area, the namespace of the tables, and everything else as ``section.key=value``."""

    bbox: str | None
    namespace: str | None
    overrides: tuple[str, ...]

    def day(self, name: str) -> str | None:
        """The value of ``start_date`` or ``end_date``; None where it is not given."""
        start = f"selection.{name}="
        return next((each.removeprefix(start) for each in self.overrides if each.startswith(start)), None)


def read(given: Iterable[str], command: str) -> Named:
    """Take the words of a command line apart.

    Args:
        given: words, each ``key=value``.
        command: that they were given to.

    Raises:
        BadInputError: an unknown word, or tables that cannot be named so; the text says why.
    """
    bbox, spaces, overrides = None, {}, []
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if "." in name or not equals:
            overrides.append(text)
        elif name == "aoi_bounds":
            bbox = value.strip().removeprefix("[").removesuffix("]")
        elif name in _DATES:
            overrides.append(f"selection.{name}={value.strip()}")
        elif name in ("input_table", "output_table"):
            spaces[name] = _namespace(name, value.strip(), command)
        else:
            words = ", ".join(_WORDS)
            msg = f"{text!r}: {hint(name, _WORDS)}a setting is written section.key=value; other words are {words}"
            raise BadInputError(msg)
    if len(set(spaces.values())) > 1:
        both = ", ".join(f"{name} in {space}" for name, space in spaces.items())
        msg = f"{both}: the tables of a lake are in one namespace, since runs publish them together; give the same"
        raise BadInputError(msg)
    return Named(bbox=bbox, namespace=next(iter(spaces.values()), None), overrides=tuple(overrides))


def _namespace(word: str, value: str, command: str) -> str:
    tables = _TABLES.get(command, {})
    if word not in tables:
        where = " and ".join(name for name, words in _TABLES.items() if word in words)
        msg = f"{word} has a meaning for {where} only; `claylake {command}` takes --database <namespace>"
        raise BadInputError(msg)
    parts = value.split(".")
    if parts[0] == CATALOG and len(parts) == 3:
        parts = parts[1:]
    if len(parts) != 2 or parts[1] != tables[word]:
        msg = (
            f"{word}={value}: the table is called {tables[word]}, and may be in a namespace of your own: "
            f"<namespace>.{tables[word]}. Audits, readers and other commands find it by that name"
        )
        raise BadInputError(msg)
    return parts[0]
