"""Settings and AOIs from the DAGs folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from claylake.area.aoi import Aoi
from claylake.area.folder import AOI_SUFFIX, scan
from claylake.configuration.maintenance import LAKE_WIDE
from claylake.configuration.settings import Deployed, Settings, assemble
from claylake.errors import BadInputError, SettingsError

SETTINGS_FILE = "settings.yaml"
DEPLOYED_FILE = "deployed.json"
DEPLOYED_VARIABLE = "CLAYLAKE_DEPLOYED"


@dataclass(frozen=True, kw_only=True)
class AoiFolder:
    """AOI files read: the good ones by name, and what is wrong with other entries by file name."""

    aois: dict[str, Aoi]
    problems: dict[str, str]

    def named(self, name: str) -> Aoi:
        """The AOI of that name.

        Raises:
            BadInputError: if its file is not there, or cannot be used.
        """
        if name not in self.aois:
            raise BadInputError(self.wrong_with(name) or f"AOI file {name}{AOI_SUFFIX}: it is not there; put it back")
        return self.aois[name]

    def wrong_with(self, name: object) -> str:
        """What is wrong with the files that would give an AOI of that name; empty where one does, or none would."""
        if name in self.aois:
            return ""
        return "; ".join(f"{file}: {why}" for file, why in self.problems.items() if _stem(file) == name)


@dataclass(frozen=True, kw_only=True)
class CommonLayers:
    """``settings.yaml`` and ``deployed.json``, read once: what every AOI and run has in common.

    ``deployed.json`` is where the environment variable CLAYLAKE_DEPLOYED says, else beside the
    DAGs; it may be absent. So may ``settings.yaml``.
    """

    written: Mapping[str, Any]
    deployed: Mapping[str, Any]

    @classmethod
    def read(cls, dags_folder: Path) -> Self:
        """Read the two files.

        Raises:
            SettingsError: one is not readable, or the variable names a file that is not there.
        """
        return cls(written=_yaml(dags_folder / SETTINGS_FILE), deployed=_deployed(dags_folder))

    def settings(self, aoi: Aoi | None, overrides: Mapping[str, Any]) -> Settings:
        """Settings of a run: ``settings.yaml``, then the AOI file, ``deployed.json`` and the params.

        Args:
            aoi: of the run; None leaves its layer out.
            overrides: partial settings document from the params, by section and key; may be empty.

        Raises:
            SettingsError: naming each bad key, what it was given, what is allowed, and its source.
        """
        layers = {SETTINGS_FILE: self.written}
        if aoi is not None:
            layers[f"aois/{aoi.file or aoi.name + AOI_SUFFIX}"] = aoi.overrides
        layers[DEPLOYED_FILE] = self.deployed
        layers["params"] = dict(overrides)
        for source, layer in layers.items():
            if source not in (SETTINGS_FILE, DEPLOYED_FILE):
                refuse_lake_wide(layer, source)
        return assemble(layers)


def load_settings(dags_folder: Path, aoi: Aoi | None, overrides: Mapping[str, Any]) -> Settings:
    """Settings of one run: those of `CommonLayers`, read for it.

    Args:
        dags_folder: folder of the DAGs.
        aoi: of the run; None leaves its layer out.
        overrides: partial settings document from the params, by section and key; may be empty.

    Raises:
        SettingsError: naming each bad key, what it was given, what is allowed, and its source.
    """
    return CommonLayers.read(dags_folder).settings(aoi, overrides)


def read_deployed(path: Path) -> Deployed:
    """What a ``deployed.json`` says of a lake on AWS.

    Args:
        path: of the file.

    Raises:
        SettingsError: it is not there, or is none.
    """
    if not path.is_file():
        msg = f"{path}: no such file; give the deployed.json of a deployment, which lies beside the DAGs"
        raise SettingsError(msg)
    return assemble({path.name: _json(path)}).on_aws


def refuse_lake_wide(layer: Mapping[str, Any], source: str) -> None:
    """Refuse settings of the whole lake in a layer of an AOI or a run.

    Args:
        layer: partial settings document.
        source: its name.

    Raises:
        SettingsError: naming the key.
    """
    section = layer.get("maintenance")
    for key in LAKE_WIDE:
        if isinstance(section, Mapping) and key in section:
            msg = f"{source}: maintenance.{key} is of the whole lake, not of an AOI or a run: set it in {SETTINGS_FILE}"
            raise SettingsError(msg)


def read_aois(folder: Path) -> AoiFolder:
    """Every AOI file of the folder; a bad one leaves the others usable."""
    found = scan(folder)
    aois, problems = {}, dict(found.problems)
    for name, path in found.paths.items():
        try:
            aois[name] = Aoi.from_file(path)
        except BadInputError as error:
            problems[path.name] = str(error)
    return AoiFolder(aois=aois, problems=problems)


def _stem(file: str) -> str:
    """The name that a file would give its AOI, whatever its suffixes."""
    return file.partition(".")[0].lower()


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    if not path.is_file():
        return {}
    try:
        return _mapping(yaml.safe_load(path.read_text(encoding="utf-8")), path)
    except (OSError, TypeError, ValueError, yaml.YAMLError) as error:
        msg = f"{path.name}: not readable as YAML ({error})"
        raise SettingsError(msg) from error


def _deployed(dags_folder: Path) -> dict[str, Any]:
    named = os.environ.get(DEPLOYED_VARIABLE)
    if named and not Path(named).is_file():
        msg = f"{DEPLOYED_VARIABLE} names {named}, which is not there: deploy, or start the local stack, or unset it"
        raise SettingsError(msg)
    return _json(Path(named) if named else dags_folder / DEPLOYED_FILE)


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return _mapping(json.loads(path.read_text(encoding="utf-8")), path)
    except (OSError, TypeError, ValueError) as error:
        msg = f"{path.name}: not readable as JSON ({error})"
        raise SettingsError(msg) from error


def _mapping(document: object, path: Path) -> dict[str, Any]:
    if document is None:
        return {}
    if not isinstance(document, dict):
        msg = f"{path.name}: expected sections with keys, got {type(document).__name__}"
        raise TypeError(msg)
    return document
