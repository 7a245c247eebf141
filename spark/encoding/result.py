"""What encoding a batch of chips gives."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RAISED = "encoder_error"
NOT_FINITE = "vector_not_finite"
ZERO = "vector_zero"
"""A vector of zeros has no direction: nothing could be compared with it."""


@dataclass(frozen=True, kw_only=True)
class EncodeResult:
    """Vectors, and why some may not be used.

    Attributes:
        vectors: `(n, dim)` float32. Rows that may not be used are all NaN, so that one used by mistake shows.
        reasons: n times None, or why the row may not be used: `encoder_error`, `vector_not_finite`, `vector_zero`.
    """

    vectors: NDArray[np.float32]
    reasons: tuple[str | None, ...]

    @property
    def ok(self) -> NDArray[np.bool_]:
        """`(n,)`: which rows may be used."""
        return np.array([reason is None for reason in self.reasons], dtype=np.bool_)

    @classmethod
    def judged(cls, vectors: NDArray[np.float32], raised: Collection[int] = ()) -> "EncodeResult":
        """Judge raw output of the network, `(n, dim)`; rows of `raised` made it fail."""
        finite, zero = np.all(np.isfinite(vectors), axis=1), ~np.any(vectors, axis=1)
        reasons = tuple(
            RAISED if row in raised else NOT_FINITE if not finite[row] else ZERO if zero[row] else None
            for row in range(len(vectors))
        )
        usable = np.array([reason is None for reason in reasons], dtype=np.bool_)
        return cls(vectors=np.where(usable[:, None], vectors, np.float32(np.nan)), reasons=reasons)
