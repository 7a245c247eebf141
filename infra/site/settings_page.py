"""`docs/settings.md`, made from the model of the settings: ``python -m infra.site.settings_page`` writes it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claylake.configuration.deployed import SecurityGroups
from claylake.configuration.maintenance import Optimizers
from claylake.configuration.settings import Deployed, Local, Settings
from claylake.request.form import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from claylake.configuration.section import Section

PAGE: Final = Path(__file__).parents[2] / "docs/settings.md"
ON_AWS: Final = ("cluster", "schedule", "prices", "deployed")
"""Sections that the command `claylake` refuses, because nothing on one machine uses them."""
ON_ONE_MACHINE: Final = ("local",)
"""Sections that the command writes itself, from its options."""
WITHOUT_EFFECT: Final = ("limits.budget_usd",)
"""Keys that the command takes, and that change nothing there."""
_WRITTEN: Final = ("deployed", "local")
"""Sections that people do not write."""
_OPTIONAL: Final[Mapping[str, type[Section]]] = {"deployed": Deployed, "local": Local}
_PARTS: Final[Mapping[str, type[Section]]] = {"security_groups": SecurityGroups, "optimizers": Optimizers}
"""Values of `deployed` that have keys themselves."""
_HEAD: Final = """\
# Settings

<!-- Made from the model in dags/claylake/configuration/ by `make settings-docs`. Edit the model, not this page. -->

A run's settings are put together from layers, key by key; later ones win:

| | on AWS and in the demo | with the command `claylake` |
|---|---|---|
| 1 | built in (this page) | built in (this page) |
| 2 | `dags/settings.yaml` | the lake's `settings.yaml` |
| 3 | properties of the AOI file (`docs/aoi-files.md`) | properties of the AOI file |
| 4 | `dags/deployed.json`, written by the deployment | `section.key=value` on the command line |
| 5 | params of the run: the trigger form | options (`--data`, `--encoder`, `--lake`) |

Keys have the same names in each layer: in YAML as sections with keys, in an AOI file as objects, on the command line as
`selection.min_clear_frac=0.5`. An unknown key or a value that is not allowed is an error that names the key, what was
given, what is allowed, and the layer. `null` is a value, too: each key says what it means there.

The column "used" says where a key has an effect: on `AWS` (MWAA, and the demo, which is the same system on one
machine), in the `command`, or in `both`. Values with the unit `fraction` are shares: 0.05 for 5 %.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([_HEAD, *(line for name in Settings.model_fields for line in _section(name))])


def _section(name: str) -> Iterator[str]:
    model = _model(name)
    yield f"## {name}\n"
    yield _plain(model.__doc__ or "") + "\n"
    if name in _WRITTEN:
        by = "`make deploy` or the stand-in" if name == "deployed" else "the command, from its options"
        yield f"Written by {by}; listed here for those who read it.\n"
    yield from _table(model, name)
    for key, part in _PARTS.items():
        if name == "deployed" and key in model.model_fields:
            yield f"`{name}.{key}`, where it is given: {_plain(part.__doc__ or '')}\n"
            yield from _table(part, name)
    params = [f"`{param}`" for param, spec in SHARED.items() if spec.setting and spec.setting[0] == name]
    if params:
        yield f"In the trigger form: {', '.join(params)}.\n"


def _model(name: str) -> type[Section]:
    found: type[Section] = _OPTIONAL.get(name) or Settings.model_fields[name].annotation  # type: ignore[assignment]
    return found


def _table(model: type[Section], section: str) -> Iterator[str]:
    yield "| key | allowed | default | unit | what it does | used |"
    yield "|---|---|---|---|---|---|"
    for key, schema in model.model_json_schema()["properties"].items():
        about = schema.get("description", "")
        row = (f"`{key}`", _allowed(schema), _default(schema), schema.get("unit", ""), about, _used(section, key))
        yield f"| {' | '.join(row)} |"
    yield ""


def _used(section: str, key: str) -> str:
    if section in ON_ONE_MACHINE:
        return "command"
    return "AWS" if section in ON_AWS or f"{section}.{key}" in WITHOUT_EFFECT else "both"


def _default(schema: Mapping[str, Any]) -> str:
    if "default" not in schema:
        return "required"
    value = schema["default"]
    if isinstance(value, dict) and value:
        return ", ".join(f"`{name}: {each}`" for name, each in value.items())
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # as settings.yaml has it
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _allowed(schema: Mapping[str, Any]) -> str:
    """What a value may be, in words, from its JSON schema."""
    if "anyOf" in schema:
        return ", or ".join(dict.fromkeys(_allowed(each) for each in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))
    if "$ref" in schema:
        return "keys below"
    return _KINDS[schema["type"]](schema)


def _list(schema: Mapping[str, Any]) -> str:
    most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
    least = ", at least one" if schema.get("minItems") == 1 else ""
    return f"list of {_allowed(schema['items'])}{least}{most}"


def _text(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date":
        return "date, yyyy-mm-dd"
    return f"text of the form `{schema['pattern']}`" if "pattern" in schema else "text"


def _range(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if above is not None:
        return f" above {above:g}" + ("" if most is None else f", up to {most:g}")
    if least is None:
        return ""
    return f", {least:g} or more" if most is None else f", {least:g} to {most:g}"


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "array": _list,
    "boolean": lambda _: "`true`, `false`",
    "integer": lambda schema: f"whole number{_range(schema)}",
    "null": lambda _: "`null`",
    "number": lambda schema: f"number{_range(schema)}",
    "object": lambda schema: f"mapping to {_allowed(schema['additionalProperties'])}",
    "string": _text,
}
"""What a value of a type may be."""


def _plain(docstring: str) -> str:
    """A docstring in Markdown, each paragraph on a line."""
    paragraphs = [" ".join(part.split()) for part in docstring.strip().split("\n\n")]
    return re.sub(r"``([^`]+)``", r"`\1`", "\n\n".join(paragraphs))


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
