"""Why the file of facts is not written."""


class TilesError(Exception):
    """The list could not be had, or is not what UTM and MGRS arithmetic makes of its names."""
