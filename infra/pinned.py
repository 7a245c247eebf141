"""Whether an encoder's published weights are under the committed pin: what its description says of it.

The `model` package writes the description. It distinguishes a committed pin from one that a first download made for
one user.
"""

from __future__ import annotations

from model.format import COMMITTED, PUBLISHED, USERS, Source

CURE = (
    "run `make pin`, compare the sha256 with the one on the file's page, commit model/checkpoint.json, and build again"
)


def doubt(name: str, source: Source) -> str | None:
    """Why an encoder does not stand on a committed pin; None where it does, or where it needs none.

    Args:
        name: Of the encoder.
        source: Where its weights are from, as its description says.
    """
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
