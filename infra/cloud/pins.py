"""Which encoders a stage takes: those under a committed pin, or any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.cloud.errors import DistError, PinError
from infra.pinned import doubt
from model.format import FormatError, Source, read_description

if TYPE_CHECKING:
    from infra.cloud.config import Stage
    from infra.cloud.dist import Dist


def check_pins(stage: Stage, dist: Dist) -> list[str]:
    """What is doubtful of a build's encoders, as sentences, where the stage takes them all the same.

    Raises:
        PinError: The stage does not.
        DistError: A description cannot be read.
    """
    doubts = [found for name in dist.models if (found := doubt(name, _source(dist, name)))]
    if doubts and stage.encoder.pin == "committed":
        raise PinError(
            f"stage {stage.name} takes encoders under a committed pin only (encoder.pin in cdk.json), and "
            f"{'; '.join(doubts)}. Nothing was deployed"
        )
    return doubts


def _source(dist: Dist, name: str) -> Source:
    try:
        return read_description(dist.folder / "model" / name).source
    except FormatError as error:
        raise DistError(f"{error}; then run make build") from error
