"""Errors of the local stack."""


class LocalError(Exception):
    """Base of every error the local stack raises on purpose."""


class ArtefactError(LocalError):
    """An `s3://` file that a step needs cannot be fetched."""


class CommandError(LocalError):
    """A step's arguments cannot be turned into a local command."""


class FaultError(LocalError):
    """A fault request that names no known fault, or is malformed."""


class CatalogueError(LocalError):
    """The STAC server did not start, or does not answer as it must."""


class StackError(LocalError):
    """The stack cannot start, or is already running."""
