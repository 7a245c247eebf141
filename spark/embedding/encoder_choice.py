"""Which encoder embeds, and how: a value that travels from the driver to every task."""

from __future__ import annotations

from dataclasses import dataclass

from claylake.plan import Plan
from claylake.release import model_uri


@dataclass(frozen=True, kw_only=True)
class EncoderChoice:
    """An encoder, and how each worker runs it.

    Attributes:
        model: URI of the artefact's folder.
        model_version: that the folder must hold.
        convention: how times and places are fed.
        precision: one that the artefact offers, or `auto`.
        batch_size: chips per pass; None lets each worker find its own.
        threads: torch's, per worker.
    """

    model: str
    model_version: str
    convention: str
    precision: str
    batch_size: int | None
    threads: int

    @classmethod
    def of(cls, plan: Plan, threads: int) -> EncoderChoice:
        """The choice that a plan holds."""
        encoder = plan.settings.encoder
        return cls(
            model=model_uri(plan.where, encoder.model),
            model_version=plan.model_version,
            convention=encoder.convention,
            precision=encoder.precision,
            batch_size=encoder.batch_size,
            threads=threads,
        )
