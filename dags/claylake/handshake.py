"""Whether what DAG files need is there: the right plugins, and the packages of ``requirements.txt``.

DAG files change at once; plugins and packages only with an environment update, and MWAA starts an
environment even when installing its packages has failed. Either is told as an import error.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PLUGINS_VERSION = "1"
"""The `claylake_airflow.VERSION` that these DAG files are written for."""
PACKAGES = ("pyarrow", "pydantic", "pyiceberg", "pyproj", "pystac_client", "shapely")


class HandshakeError(ImportError):
    """The environment does not fit the DAG files; the message says what to do."""


def check(found: str, deployed: str | None = None, packages: Iterable[str] = PACKAGES) -> None:
    """Compare versions and look for packages, without importing them.

    Args:
        found: `claylake_airflow.VERSION` as loaded.
        deployed: ``plugins_version`` of deployed.json, or None where it says nothing.
        packages: top-level modules that the tasks import.

    Raises:
        HandshakeError: if something does not fit.
    """
    if found != PLUGINS_VERSION:
        msg = (
            f"the plugins loaded are version {found}, these DAG files need {PLUGINS_VERSION}: "
            "update the MWAA environment to the plugins that were deployed with them"
        )
        raise HandshakeError(msg)
    if deployed not in (None, found):
        msg = (
            f"deployed.json was written for plugins version {deployed}, loaded are {found}: "
            "the environment update has not finished, or has failed"
        )
        raise HandshakeError(msg)
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        msg = (
            f"packages are missing: {', '.join(missing)}; MWAA goes on when installing requirements.txt fails: "
            "look for requirements_install in the environment's logs"
        )
        raise HandshakeError(msg)
