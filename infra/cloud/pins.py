"""Which encoders a stage takes: those under a committed pin, or any."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.cloud.errors import DistError, PinError
from infra.pinned import doubt
from model.format import DESCRIPTION

if TYPE_CHECKING:
    from infra.cloud.config import Stage
    from infra.cloud.dist import Dist


def check_pins(stage: Stage, dist: Dist) -> list[str]:
    """What is doubtful of a build's encoders, as sentences, where the stage takes them all the same.

    Raises:
        PinError: The stage does not.
        DistError: A card cannot be read.
    """
    doubts = [found for name in dist.models if (found := doubt(name, _card(dist, name)))]
    if doubts and stage.encoder.pin == "committed":
        raise PinError(
            f"stage {stage.name} takes encoders under a committed pin only (encoder.pin in cdk.json), and "
            f"{'; '.join(doubts)}. Nothing was deployed"
        )
    return doubts


def _card(dist: Dist, name: str) -> dict[str, Any]:
    path = dist.folder / "model" / name / DESCRIPTION
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DistError(f"{path} cannot be read ({error}): run make build") from error
    return card if isinstance(card, dict) else {}
