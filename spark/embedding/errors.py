"""Errors of embedding."""

from __future__ import annotations

from claylake.errors import ClaylakeError


class EmbeddingError(ClaylakeError):
    """The embed job cannot go on."""


class ModelChangedError(EmbeddingError):
    """The artefact is not the model that was planned.

    Attributes:
        planned: model version of the plan.
        found: model version of the artefact.
    """

    def __init__(self, planned: str, found: str) -> None:
        super().__init__(
            f"the plan is for model {planned}, but the artefact is {found}: it was replaced since; run plan again"
        )
        self.planned = planned
        self.found = found
