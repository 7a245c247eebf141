"""Compare an encoder with the reference vectors that came with its artefact."""

from datetime import datetime
from zipfile import BadZipFile

import numpy as np

from spark.encoding.artefact import REFERENCE, Artefact
from spark.encoding.errors import ArtefactError, ChoiceError, SelfCheckError
from spark.encoding.runner import ProgramEncoder

MAX_ERROR = {"fp32": 1e-4}
"""Per component, by precision. Components are about 0.4; other processors than the builder's differ by some 1e-6."""


def check_reference(encoder: ProgramEncoder, artefact: Artefact) -> float:
    """Embed the reference chips under the encoder's own convention and compare.

    Returns:
        The largest difference of a component.

    Raises:
        SelfCheckError: The vectors differ by more than the precision allows.
        ArtefactError: The reference lacks what is needed.
        ChoiceError: No tolerance is known for the precision.
    """
    if encoder.precision not in MAX_ERROR:
        raise ChoiceError("precision", encoder.precision, tuple(MAX_ERROR))
    path = artefact.folder / REFERENCE
    try:
        with np.load(path, allow_pickle=False) as reference:
            chips, lonlat = reference["chips"], reference["lonlat"]
            when = [datetime.fromisoformat(str(text)) for text in reference["when"]]
            expected = reference["vectors"][reference["conventions"].tolist().index(encoder.convention)]
    except (KeyError, ValueError, IndexError, BadZipFile) as error:
        raise ArtefactError(f"{path} cannot serve as a reference for {encoder.convention!r}: {error}") from error
    vectors = encoder.encode(chips, lonlat, when).vectors
    if vectors.shape != expected.shape or not len(vectors):
        raise ArtefactError(
            f"{path} holds vectors of shape {expected.shape} for {len(vectors)} chips of {artefact.dim}"
        )
    largest = float(np.abs(vectors - expected).max())
    allowed = MAX_ERROR[encoder.precision]
    if not largest <= allowed:  # NaN is refused, too
        raise SelfCheckError(largest, allowed, encoder.device)
    return largest
