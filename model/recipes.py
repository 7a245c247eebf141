"""The models that can be built, by name."""

from dataclasses import dataclass
from types import MappingProxyType

from model.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a named model comes by its size and weights.

    Attributes:
        size: Name in `model.config.SIZES`.
        note: What a reader of the description must know.
    """

    size: str
    note: str


RECIPES = MappingProxyType(
    {"demo-random": Recipe(size="demo", note="random weights; vectors carry no meaning beyond the demo")},
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
