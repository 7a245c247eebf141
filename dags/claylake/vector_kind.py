"""Which vectors may be compared: those of one model under one input convention.

All code that compares vectors (search, change, principal axes, statistics) checks them here first: a distance between
vectors of different kinds is a number that means nothing. Precision is no part of the kind: bf16 and fp32 vectors of
one chip differ by less than the artefact's self-check allows.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from claylake import sql
from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.expressions import BooleanExpression

    from claylake.plan import Plan


@dataclass(frozen=True, order=True, kw_only=True)
class VectorKind:
    """What vectors must share to be compared.

    Attributes:
        model_version: name and digest of the weights.
        convention: how times and places were fed.
    """

    model_version: str
    convention: str

    @classmethod
    def of(cls, plan: Plan) -> VectorKind:
        """The kind that a plan makes."""
        return cls(model_version=plan.model_version, convention=plan.settings.encoder.convention)

    def condition(self) -> str:
        """Spark SQL condition on rows of the embeddings table."""
        return f"model_version = {sql.string(self.model_version)} AND convention = {sql.string(self.convention)}"

    def expression(self) -> BooleanExpression:
        """The same condition for pyiceberg."""
        from pyiceberg.expressions import And, EqualTo

        return And(EqualTo("model_version", self.model_version), EqualTo("convention", self.convention))

    def __str__(self) -> str:
        return f"{self.model_version} ({self.convention})"


KIND_COLUMNS: Final = tuple(field.name for field in fields(VectorKind))
"""Columns of the embeddings table that hold a vector's kind."""


class MixedVectorsError(BadInputError):
    """Vectors of different models or conventions were about to be compared.

    Attributes:
        kinds: the kinds found, in order.
    """

    def __init__(self, kinds: Iterable[VectorKind]) -> None:
        self.kinds = tuple(sorted(kinds))
        super().__init__(
            f"vectors of {len(self.kinds)} kinds do not compare: {', '.join(map(str, self.kinds))}; "
            "choose one model_version and one convention"
        )


def one_kind(found: Iterable[VectorKind], wanted: VectorKind | None = None) -> VectorKind | None:
    """The one kind of all vectors found, and of the one `wanted`; None where there are none.

    Raises:
        MixedVectorsError: they are of several kinds.
    """
    kinds = {*found, *([] if wanted is None else [wanted])}
    if len(kinds) > 1:
        raise MixedVectorsError(kinds)
    return next(iter(kinds), None)
