"""The one base error of this package."""


class ModelError(Exception):
    """A model cannot be built as asked."""


class UnknownNameError(ModelError):
    """A size, model or convention was named that does not exist.

    Attributes:
        what: The kind of thing asked for.
        name: The name asked for.
        allowed: The names that exist.
    """

    def __init__(self, what: str, name: str, allowed: tuple[str, ...]) -> None:
        """Say what was asked and what is allowed."""
        super().__init__(f"unknown {what} {name!r}; use one of {', '.join(allowed)}")
        self.what = what
        self.name = name
        self.allowed = allowed


class ShapeError(ModelError):
    """Sizes that do not fit together."""


class ParityError(ModelError):
    """An exported program does not repeat the encoder it was made from.

    Attributes:
        what: File of the program.
        error: Largest difference of a component.
        allowed: Largest difference allowed.
    """

    def __init__(self, what: str, error: float, allowed: float) -> None:
        """Say how far off it is."""
        super().__init__(f"{what} differs from the eager encoder by {error:.3g}; at most {allowed:.3g} is allowed")
        self.what = what
        self.error = error
        self.allowed = allowed
