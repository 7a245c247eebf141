"""The base of every section of the settings."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """Base of every section: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def setting(default: Any, text: str, *, unit: str = "", **limits: Any) -> Any:
    """A key of a section, described for people: `docs/settings.md` is made from this.

    Args:
        default: the built-in value; ``...`` where one must be given.
        text: what it does, in one sentence or two.
        unit: of the value, e.g. ``s``; empty where it has none.
        limits: what pydantic's `Field` takes, e.g. ``ge=0``.
    """
    return Field(default, description=text, json_schema_extra={"unit": unit} if unit else None, **limits)
