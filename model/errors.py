"""The errors of this package, with one base."""


class ModelError(Exception):
    """A model cannot be built as requested."""


class UnknownNameError(ModelError):
    """A size, model or convention was named that does not exist.

    Attributes:
        what: The kind of thing that was named.
        name: The name that was given.
        allowed: The names that exist.
    """

    def __init__(self, what: str, name: str, allowed: tuple[str, ...]) -> None:
        """Name what was given and what is allowed."""
        super().__init__(f"unknown {what} {name!r}; use one of {', '.join(allowed)}")
        self.what = what
        self.name = name
        self.allowed = allowed


class ShapeError(ModelError):
    """Sizes that do not fit together."""


class CheckpointError(ModelError):
    """A checkpoint that is not there, cannot be read, or holds other weights than wanted."""


class FetchError(ModelError):
    """A published checkpoint cannot be had, or is not the one that was trusted.

    Attributes:
        status: What the hub answered, where that was the trouble.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        """Say what happened."""
        super().__init__(message)
        self.status = status


class MetadataError(ModelError):
    """What Clay publishes of a sensor is not what `model/sensor.py` says."""


class ArtefactError(ModelError):
    """A folder that is no artefact of this format, or whose files are not those it describes."""


class ParityError(ModelError):
    """An encoder does not repeat the one it was made from.

    Attributes:
        what: File or path that was measured.
    """

    def __init__(self, what: str, found: str, allowed: str) -> None:
        """Say how far off it is."""
        super().__init__(f"{what} differs from the eager encoder {found}; {allowed} is allowed")
        self.what = what
