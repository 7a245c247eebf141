"""Compare an encoder with the reference vectors that came with its artefact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from model.format import REFERENCE, Offer
from spark.encoding.artefact import Artefact
from spark.encoding.errors import ArtefactError, SelfCheckError


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Inputs and vectors of the fp32 encoder under one convention.

    Attributes:
        chips: `(n, band, row, col)` uint16 DN.
        lonlat: `(n, 2)` degrees.
        when: n aware datetimes.
        vectors: `(n, dim)` float32.
    """

    chips: NDArray[np.uint16]
    lonlat: NDArray[np.float64]
    when: Sequence[datetime]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """How far vectors are from their reference.

    Attributes:
        error: Largest difference of a component; NaN if a component is not finite.
        cosine: Least cosine between a vector and its reference; NaN likewise.
    """

    error: float
    cosine: float

    @classmethod
    def between(cls, vectors: NDArray[np.float32], expected: NDArray[np.float32]) -> "Deviation":
        """Measure `(n, dim)` against `(n, dim)`, in float64."""
        one, other = vectors.astype(np.float64), expected.astype(np.float64)
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):  # vectors of zeros: NaN, which is refused
            cosines = (one * other).sum(axis=1) / lengths
        return cls(error=float(np.abs(one - other).max()), cosine=float(cosines.min()))

    def require(self, offer: Offer, *, precision: str, device: str) -> None:
        """Let pass what the artefact allows for a precision.

        Args:
            offer: What the artefact says of the precision: the largest error, if it is limited, and the smallest
                cosine.
            precision: Its name, for the message.
            device: Where the vectors were made, for the message.

        Raises:
            SelfCheckError: It is further off; NaN is, too.
        """
        near = offer.max_error is None or self.error <= offer.max_error
        if near and self.cosine >= offer.min_cosine:
            return
        allowed = f"cosine from {offer.min_cosine:g}"
        if offer.max_error is not None:
            allowed = f"{offer.max_error:g}, {allowed}"
        raise SelfCheckError(precision=precision, error=self.error, cosine=self.cosine, allowed=allowed, device=device)


def read_reference(artefact: Artefact, convention: str) -> Reference:
    """The artefact's reference for a convention.

    Raises:
        ArtefactError: It is missing, altered, or lacks what is needed.
    """
    path = artefact.file(REFERENCE)
    try:
        with np.load(path, allow_pickle=False) as held:
            reference = Reference(
                chips=held["chips"],
                lonlat=held["lonlat"],
                when=[datetime.fromisoformat(str(text)) for text in held["when"]],
                vectors=held["vectors"][held["conventions"].tolist().index(convention)],
            )
    except (KeyError, ValueError, IndexError, BadZipFile) as error:
        raise ArtefactError(f"{path} cannot serve as a reference for {convention!r}: {error}") from error
    count, dim = len(reference.chips), artefact.described.dim
    if not count or reference.vectors.shape != (count, dim):
        raise ArtefactError(
            f"{path} holds vectors of shape {reference.vectors.shape} for {count} chips of {dim} components"
        )
    return reference
