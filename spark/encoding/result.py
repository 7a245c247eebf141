"""What encoding a batch of chips gives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class EncodeResult:
    """Vectors, and which of them may be used.

    Attributes:
        vectors: `(n, dim)` float32. Rows that are not ok are all NaN, so that one used by mistake shows.
        ok: `(n,)` bool: every component came out finite.
    """

    vectors: NDArray[np.float32]
    ok: NDArray[np.bool_]

    @property
    def poisoned(self) -> tuple[int, ...]:
        """Rows that are not ok."""
        return tuple(int(row) for row in np.flatnonzero(~self.ok))

    @classmethod
    def judged(cls, vectors: NDArray[np.float32]) -> "EncodeResult":
        """Judge raw output of the network, `(n, dim)`."""
        ok: NDArray[np.bool_] = np.all(np.isfinite(vectors), axis=1)
        return cls(vectors=np.where(ok[:, None], vectors, np.float32(np.nan)), ok=ok)
