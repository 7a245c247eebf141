"""The one error of the demo world."""


class WorldError(Exception):
    """The demo world cannot be built with these arguments; the message says which are allowed."""
