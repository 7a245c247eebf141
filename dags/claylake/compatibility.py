"""Whether the environment fits the DAG files: the right plugins, and the packages of ``requirements.txt``.

DAG files change at once; plugins and packages only with an environment update, and MWAA starts an
environment even when installing its packages has failed. So DAG files call `require_environment` before
they import anything that may be missing, and the UI shows its message as an import error.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PLUGINS_VERSION = "5"
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
    "pystac_client",
    "requests",
    "shapely",
    "urllib3",
    "yaml",
)
"""Top-level modules that DAG files and plugins import, apart from Airflow's own."""


class IncompatibleEnvironmentError(ImportError):
    """The environment does not fit the DAG files; the message says what to do."""


def require_environment(plugins: str = PLUGINS, packages: Iterable[str] = PACKAGES) -> None:
    """Find the plugins and the packages; every DAG file calls this first.

    Raises:
        IncompatibleEnvironmentError: if one is missing, or the plugins are of another version.
    """
    if find_spec(plugins) is None:
        msg = (
            f"the plugins are missing (no {plugins}): upload plugins.zip, name its version in the MWAA environment, "
            "and wait for the environment update to end"
        )
        raise IncompatibleEnvironmentError(msg)
    check_versions(str(getattr(import_module(plugins), "VERSION", "unknown")), packages=packages)


def check_versions(found: str, deployed: str | None = None, packages: Iterable[str] = PACKAGES) -> None:
    """Compare versions and find packages, without importing them.

    Args:
        found: `claylake_airflow.VERSION` as loaded.
        deployed: ``plugins_version`` of deployed.json, or None where it has none.
        packages: top-level modules that the tasks import.

    Raises:
        IncompatibleEnvironmentError: if something does not fit.
    """
    if found != PLUGINS_VERSION:
        msg = (
            f"the plugins loaded are version {found}, these DAG files need {PLUGINS_VERSION}: "
            "update the MWAA environment to the plugins that were deployed with them"
        )
        raise IncompatibleEnvironmentError(msg)
    if deployed not in (None, found):
        msg = (
            f"deployed.json was written for plugins version {deployed}, loaded are {found}: "
            "the environment update has not finished, or has failed"
        )
        raise IncompatibleEnvironmentError(msg)
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        msg = (
            f"packages are missing: {', '.join(missing)}; MWAA goes on when installing requirements.txt fails: "
            "see requirements_install in the environment's logs"
        )
        raise IncompatibleEnvironmentError(msg)
