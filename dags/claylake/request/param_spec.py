"""One field of the trigger form, free of Airflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class ParamSpec:
    """One field of the trigger form.

    `schema` is a JSON schema that `default` satisfies, unless the field is `required`: then it has
    no default and the form insists on a value. `setting` is the place in the settings that the
    value overrides, (section, key); None for fields that say where and when.
    """

    title: str
    description: str
    section: str
    schema: Mapping[str, Any]
    default: object = None
    required: bool = False
    setting: tuple[str, str] | None = None

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of ``airflow.sdk.Param``."""
        given = {} if self.required else {"default": self.default}
        return {**given, "title": self.title, "description": self.description, "section": self.section, **self.schema}
