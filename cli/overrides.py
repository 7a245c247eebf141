"""``section.key=value`` on a command line: the settings of one run, as settings.yaml has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claylake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

ELSEWHERE: Final = {
    "cluster": "there is no cluster on this machine",
    "prices": "nothing on this machine is billed",
    "schedule": "nothing on this machine runs by itself",
    "deployed": "it describes a lake on AWS",
    "local": "give --lake and --encoder",
}
"""Sections that say nothing about a run on this machine."""


def parse(given: Iterable[str]) -> dict[str, dict[str, Any]]:
    """A partial settings document; values are YAML: ``0.5``, ``null``, ``[sentinel-2-l2a]``.

    Raises:
        SettingsError: naming what was given, and how it is to be written.
    """
    import yaml

    document: dict[str, dict[str, Any]] = {}
    for text in given:
        name, equals, written = text.partition("=")
        section, dot, key = name.strip().partition(".")
        if not (equals and dot and section and key):
            msg = f"{text!r} is no setting: write section.key=value, as in selection.min_clear_frac=0.5"
            raise SettingsError(msg)
        try:
            value = yaml.safe_load(written)
        except yaml.YAMLError as error:
            msg = f"{text!r}: the value is not readable as YAML ({str(error).splitlines()[0]})"
            raise SettingsError(msg) from error
        document.setdefault(section, {})[key] = value
    refuse_elsewhere(document, "command line")
    return document


def refuse_elsewhere(document: dict[str, Any], source: str) -> None:
    """Refuse sections that have no meaning on this machine.

    Raises:
        SettingsError: naming the section, its source, and why.
    """
    for section in document:
        if section in ELSEWHERE:
            msg = f"{source}: section {section!r} has no use here: {ELSEWHERE[section]}"
            raise SettingsError(msg)
