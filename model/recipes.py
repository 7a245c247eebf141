"""The models that can be built, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from model.architecture import Encoder
from model.buildable import Buildable
from model.checkpoint import read_encoder_state
from model.clay import Clay, bare_encoder
from model.config import named_config
from model.errors import CheckpointError, UnknownNameError
from model.format import PUBLISHED, Source
from model.sensor import SENTINEL_2
from model.weights import seeded_state

DEFAULT_SEED = 20240601


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """What a recipe may use.

    Attributes:
        seed: Of random weights. The same seed gives the same `model_version` on every machine.
        checkpoint: A checkpoint in the published format.
        source: Where that is from: file, revision, sha256.
    """

    seed: int = DEFAULT_SEED
    checkpoint: Path | None = None
    source: Source | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Size and weights of a named model.

    Attributes:
        size: Name in `model.config.SIZES`.
        published: Weights come from a checkpoint, else they are random.
        note: What a reader of the description must know.
    """

    size: str
    published: bool = False
    note: str

    def bare(self) -> Encoder:
        """Its encoder without weights: their names and shapes."""
        return bare_encoder(named_config(self.size))

    def make(self, given: Ingredients) -> Buildable:
        """Make the model.

        Raises:
            CheckpointError: A published model without a checkpoint, or with one that does not fit.
        """
        encoder = self.bare()
        if not self.published:
            state = seeded_state(encoder, given.seed)
            return Clay(encoder, state, SENTINEL_2, source={"seed": given.seed}, note=self.note)
        if given.checkpoint is None:
            raise CheckpointError("this model's weights are published: fetch them first, or name a checkpoint file")
        state = read_encoder_state(given.checkpoint, encoder)
        return Clay(encoder, state, SENTINEL_2, source=given.source or Source(), note=self.note)


MEANINGLESS = "random weights; vectors carry no meaning beyond the demo"

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "demo-random": Recipe(size="demo", note=MEANINGLESS),
        "large-random": Recipe(size="large", note=f"Clay v1.5's full size with {MEANINGLESS}"),
        PUBLISHED: Recipe(size="large", published=True, note="Clay v1.5 as its authors published it"),
    },
)


def named_recipe(name: str) -> Recipe:
    """Look a recipe up.

    Raises:
        UnknownNameError: No such model.
    """
    try:
        return RECIPES[name]
    except KeyError:
        raise UnknownNameError("model", name, tuple(RECIPES)) from None
