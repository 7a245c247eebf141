"""The one error of the demo world."""


class WorldError(Exception):
    """The demo world cannot be built as asked."""
