"""How near vectors are to those they should be, and how near they must be."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from model.errors import ParityError


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Distance of vectors from their references.

    Attributes:
        max_error: Largest difference of a component.
        min_cosine: Smallest cosine of a vector and its reference.
    """

    max_error: float
    min_cosine: float

    @classmethod
    def measure(cls, got: NDArray[np.floating], wanted: NDArray[np.floating]) -> "Parity":
        """Compare `(..., dim)` with the same, in float64; NaN anywhere gives NaN."""
        one, other = got.astype(np.float64), wanted.astype(np.float64)
        lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
        # A zero vector points nowhere: its cosine is 0/0, which is within no tolerance.
        with np.errstate(invalid="ignore"):
            cosines = (one * other).sum(axis=-1) / lengths
        return cls(max_error=float(np.abs(one - other).max()), min_cosine=float(cosines.min()))


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """What a device may deviate.

    Attributes:
        max_error: Largest difference of a component; None where the cosine alone decides.
        min_cosine: Smallest cosine.
    """

    max_error: float | None
    min_cosine: float

    def check(self, what: str, parity: Parity) -> None:
        """Refuse what is too far off, NaN too.

        Raises:
            ParityError: Naming `what`.
        """
        if self.max_error is not None and not parity.max_error <= self.max_error:
            raise ParityError(what, f"by {parity.max_error:.3g} in a component", f"at most {self.max_error:.3g}")
        if not parity.min_cosine >= self.min_cosine:
            raise ParityError(what, f"to a cosine of {parity.min_cosine:.7f}", f"at least {self.min_cosine:.7g}")


TOLERANCES: Mapping[str, Tolerance] = MappingProxyType(
    {
        "fp32": Tolerance(max_error=1e-4, min_cosine=0.99999),
        "bf16": Tolerance(max_error=None, min_cosine=0.9999),
        "fp16": Tolerance(max_error=None, min_cosine=0.9999),
    }
)
"""By precision, on whatever device embeds."""

BUILD_FP32 = Tolerance(max_error=1e-5, min_cosine=0.99999)
"""Of a build's own fp32 program, beside the encoder it was made from, on one and the same machine."""
