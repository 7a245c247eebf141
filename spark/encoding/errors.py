"""What can go wrong between an artefact and its vectors."""

from collections.abc import Sequence


class EncoderError(Exception):
    """The encoder cannot be loaded, or cannot be used as asked."""


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


class TorchVersionError(EncoderError):
    """The program was exported by another torch than the one that runs.

    Attributes:
        exported: Version that wrote the program.
        running: Version that runs.
    """

    def __init__(self, exported: str, running: str) -> None:
        super().__init__(
            f"encoder.pt2 was exported by torch {exported}, but this is torch {running}, and a program runs only under "
            f"its own version; install torch {exported}, or build the model again under torch {running}",
        )
        self.exported = exported
        self.running = running


class SelfCheckError(EncoderError):
    """The encoder does not give the reference's vectors on this machine.

    Attributes:
        error: Largest difference of a component.
        allowed: Largest difference allowed.
    """

    def __init__(self, error: float, allowed: float, device: str) -> None:
        super().__init__(
            f"vectors on {device} differ from reference.npz by {error:.3g}, at most {allowed:.3g} is allowed; "
            "nothing was embedded: build the model again, or see why this device computes less precisely",
        )
        self.error = error
        self.allowed = allowed


class InputError(EncoderError):
    """Chips, places or times of a wrong shape, type or range."""


class MemoryShortError(EncoderError):
    """Not even one chip fits into the device's memory."""
