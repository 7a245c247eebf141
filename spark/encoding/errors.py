"""What can go wrong between an artefact and its vectors."""

from collections.abc import Sequence


class EncoderError(Exception):
    """The encoder cannot be loaded, or cannot be used as requested."""


class ArtefactError(EncoderError):
    """The artefact's folder is not what it claims to be."""


class ChoiceError(EncoderError):
    """The artefact, or this package, does not offer what was chosen.

    Attributes:
        what: The kind of thing chosen.
        chosen: The choice.
        allowed: What there is.
    """

    def __init__(self, what: str, chosen: str, allowed: Sequence[str]) -> None:
        super().__init__(f"unknown {what} {chosen!r}; use one of {', '.join(allowed)}")
        self.what = what
        self.chosen = chosen
        self.allowed = tuple(allowed)


class SelfCheckError(EncoderError):
    """The encoder does not give the reference's vectors on this machine.

    Attributes:
        precision: Of the arithmetic.
        error: Largest difference of a component.
        cosine: Least cosine between a vector and its reference.
    """

    def __init__(self, *, precision: str, error: float, cosine: float, allowed: str, device: str) -> None:
        super().__init__(
            f"{precision} vectors on {device} differ from reference.npz by up to {error:.3g}, least cosine "
            f"{cosine:.6f}; allowed: {allowed}. Nothing was embedded: build the model again, choose another precision, "
            "or see why this device computes less precisely",
        )
        self.precision = precision
        self.error = error
        self.cosine = cosine


class ExecutionError(EncoderError):
    """An execution path cannot be taken here; another one may be."""


class UnsoundError(EncoderError):
    """An encoder no longer reproduces its reference: a fault of the device or its driver, not of a chip."""


class InputError(EncoderError):
    """Chips, places or times of a wrong shape, type or range."""


class MemoryShortError(EncoderError):
    """Not even one chip fits into the device's memory."""
