"""Whether what DAG files need is there: the right plugins, and the packages of ``requirements.txt``.

DAG files change at once; plugins and packages only with an environment update, and MWAA starts an
environment even when installing its packages has failed. Either is told as an import error. So DAG
files call `meet` before they import anything that may not be there.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PLUGINS_VERSION = "2"
"""The `claylake_airflow.VERSION` that these DAG files are written for."""
PLUGINS = "claylake_airflow"
PACKAGES = (
    "boto3",
    "botocore",
    "numpy",
    "pyarrow",
    "pydantic",
    "pygeohash",
    "pyiceberg",
    "pyproj",
    "pystac",
    "pystac_client",
    "shapely",
    "urllib3",
    "yaml",
)
"""Top-level modules that DAG files and plugins import, but for Airflow and what it stands on."""


class HandshakeError(ImportError):
    """The environment does not fit the DAG files; the message says what to do."""


def meet(plugins: str = PLUGINS, packages: Iterable[str] = PACKAGES) -> None:
    """Look for the plugins and the packages; the first thing that a DAG file does.

    Raises:
        HandshakeError: if something is not there, or the plugins are of another version.
    """
    if find_spec(plugins) is None:
        msg = (
            f"the plugins are not there (no {plugins}): upload plugins.zip, name its version in the MWAA environment, "
            "and wait for the environment update to end"
        )
        raise HandshakeError(msg)
    check(str(getattr(import_module(plugins), "VERSION", "unknown")), packages=packages)


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
