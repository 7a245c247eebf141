"""What goes wrong before anything is deployed."""


class DeployError(Exception):
    """Base of the errors of this package; the message says what was given, what is allowed, what to do."""


class StageError(DeployError):
    """The context of ``cdk.json`` does not describe a stage."""


class DistError(DeployError):
    """``dist/`` is missing, or is not what its manifest says."""


class PinError(DeployError):
    """A build's encoder is not under the pin that the stage requires."""


class GrantError(DeployError):
    """A permission with a wildcard, and no reason written down."""
