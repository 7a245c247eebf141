"""Whether an encoder's published weights are under the committed pin: what its card says of it.

The `model` package writes the card. It distinguishes a committed pin from one that a first download made for one user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model.format import COMMITTED, PUBLISHED, USERS

if TYPE_CHECKING:
    from collections.abc import Mapping

CURE = (
    "run `make pin`, compare the sha256 with the one on the file's page, commit model/checkpoint.json, and build again"
)


def doubt(name: str, card: Mapping[str, Any]) -> str | None:
    """Why an encoder does not stand on a committed pin; None where it does, or where it needs none.

    Args:
        name: Of the encoder.
        card: Its `model.json`.
    """
    source = card.get("source")
    source = source if isinstance(source, dict) else {}
    if "checkpoint" not in source and name != PUBLISHED:
        return None  # random weights, or an encoder of one's own that names no checkpoint
    pin = source.get("pin")
    if pin == COMMITTED:
        return None
    if pin == USERS:
        return f"{name} was built under a pin of one user only (sha256 {source.get('sha256')}): {CURE}"
    if "pin" not in source and source.get("sha256"):
        return f"{name} is of an older build, which does not say who pinned it: build it again"
    if source.get("checkpoint"):
        return (
            f"{name} was built from the file {source['checkpoint']}, which nothing pins: build it without --checkpoint"
        )
    return f"{name} does not say which checkpoint it was built from: build it again"
