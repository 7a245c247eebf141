"""What ``make build`` left in ``dist/``, as its manifest says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from claylake.configuration.settings import Settings, assemble
from claylake.errors import SettingsError
from infra.build.manifest import BUILD_MANIFEST
from infra.cloud.errors import DistError
from model.format import DESCRIPTION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MWAA = "mwaa/"
REQUIREMENTS, PLUGINS, CONSTRAINTS = "requirements.txt", "plugins.zip", "dags/constraints.txt"
SETTINGS_FILE = "settings.yaml"
RELEASE_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class Dist:
    """A build.

    Attributes:
        folder: Where it lies.
        release: Digest of everything that nodes load, 64 hex digits.
        files: Relative path to sha256.
        arch: What its environments are for, `cuda` or `cpu`.
    """

    folder: Path
    release: str
    files: Mapping[str, str]
    arch: str

    @property
    def prefix(self) -> str:
        """Folder of this build in the lake's bucket; another build has another, so running months keep theirs."""
        return f"artifacts/{self.release[:RELEASE_DIGITS]}"

    @property
    def artefacts(self) -> dict[str, str]:
        """Files for the nodes: relative path to sha256."""
        return {name: digest for name, digest in self.files.items() if not name.startswith(MWAA)}

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the encoders."""
        return tuple(
            sorted(
                name.split("/")[1]
                for name in self.files
                if name.startswith("model/") and name.endswith(f"/{DESCRIPTION}")
            )
        )

    def mwaa(self, name: str) -> Path:
        """One file or folder of the MWAA package."""
        return self.folder / MWAA / name


def read_dist(folder: Path) -> Dist:
    """Read the manifest and check that every file is there, in its size.

    Raises:
        DistError: The manifest or a file is missing, or a size differs.
    """
    try:
        document: Any = json.loads((folder / BUILD_MANIFEST).read_text(encoding="utf-8"))
        release, arch = str(document["release"]), str(document["arch"])
        files = {str(name): (str(about["sha256"]), int(about["bytes"])) for name, about in document["files"].items()}
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DistError(f"{folder / BUILD_MANIFEST} cannot be read ({error}): run make build") from error
    wrong = [name for name, (_, size) in files.items() if not _is_of_size(folder / name, size)]
    missing = [name for name in (REQUIREMENTS, PLUGINS, CONSTRAINTS) if MWAA + name not in files]
    if wrong or missing:
        raise DistError(
            f"{folder} is not what its manifest says: {', '.join([*wrong, *missing])} missing or cut; run make build"
        )
    digests = {name: digest for name, (digest, _) in sorted(files.items())}
    return Dist(folder=folder, release=release, files=digests, arch=arch)


def read_settings(dags: Path) -> Settings:
    """The settings of a DAGs folder, before any AOI's or run's own.

    Raises:
        DistError: ``settings.yaml`` is not readable or not valid; it may be absent.
    """
    path = dags / SETTINGS_FILE
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return assemble({SETTINGS_FILE: document or {}})
    except (OSError, ValueError, yaml.YAMLError, SettingsError) as error:
        raise DistError(f"{path}: {error}") from error


def _is_of_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
