"""What the artefact bucket holds: jars, the code's zip, jobs, and encoders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from claylake import store
from claylake.configuration.local import Local
from claylake.errors import BadInputError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claylake.configuration.settings import Deployed, Settings

JARS: Final = (
    "sedona-spark-shaded-3.5_2.12-1.8.1.jar",
    "iceberg-spark-runtime-3.5_2.12-1.10.1.jar",
    "iceberg-aws-bundle-1.10.1.jar",
)
CODE: Final = "claylake.zip"
"""Packages `claylake` and `spark`, for ``--py-files``."""
MODEL_DESCRIPTION: Final = "model.json"
"""As `model.format` says, which MWAA does not have."""
BOOTSTRAP: Final = "bin/bootstrap.sh"


def jar_uris(deployed: Deployed) -> tuple[str, ...]:
    """The jars of every step."""
    return tuple(store.join(deployed.artifacts, "jars", jar) for jar in JARS)


def code_uri(deployed: Deployed) -> str:
    """The zip of our packages."""
    return store.join(deployed.artifacts, CODE)


def job_uri(deployed: Deployed, step: str) -> str:
    """The script of one step."""
    return store.join(deployed.artifacts, "jobs", f"{step}.py")


def bootstrap_uri(deployed: Deployed) -> str:
    """The script that prepares each node."""
    return store.join(deployed.artifacts, BOOTSTRAP)


def model_uri(where: Deployed | Local, model: str, *names: str) -> str:
    """The folder of an encoder artefact, or one of its objects; on this machine there is but one."""
    if isinstance(where, Local):
        return store.join(where.encoder, *names)
    return store.join(where.artifacts, "model", model, *names)


def model_version(settings: Settings) -> str:
    """Version of the encoder that the settings name, from its ``model.json``.

    Raises:
        BadInputError: if there is no such encoder, or it does not allow the convention or precision.
        StoreError: if ``model.json`` cannot be read.
    """
    encoder = settings.encoder
    described = _description(settings)
    for what, value, allowed in (
        ("convention", encoder.convention, _names(described, "conventions")),
        ("precision", encoder.precision, [*_names(described, "precisions"), "auto"]),
    ):
        if value not in allowed:
            msg = f"encoder {encoder.model} does not offer {what} {value!r}: set encoder.{what} to {_any(allowed)}"
            raise BadInputError(msg)
    version = described.get("model_version")
    if not isinstance(version, str) or not version:
        uri = model_uri(settings.where, encoder.model, MODEL_DESCRIPTION)
        msg = f"{uri} names no model_version: build the artefact anew"
        raise StoreError(msg)
    return version


def _description(settings: Settings) -> Mapping[str, object]:
    uri = model_uri(settings.where, settings.encoder.model, MODEL_DESCRIPTION)
    if not store.exists(uri):
        if isinstance(settings.where, Local):
            msg = f"local.encoder: {uri} is not there; give the folder of an encoder artefact"
            raise BadInputError(msg)
        folder = model_uri(settings.where, "")
        found = sorted(name.split("/")[-2] for name in store.names(folder) if name.endswith("/" + MODEL_DESCRIPTION))
        msg = (
            f"encoder.model {settings.encoder.model!r}: {uri} is not there; "
            f"set it to {_any(found)}, or upload the artefact"
        )
        raise BadInputError(msg)
    try:
        described = json.loads(store.read(uri))
    except ValueError as error:
        msg = f"{uri} is not JSON: {error}"
        raise StoreError(msg) from error
    if not isinstance(described, dict):
        msg = f"{uri}: expected an object, got {type(described).__name__}"
        raise StoreError(msg)
    return described


def _names(described: Mapping[str, object], field: str) -> list[str]:
    """A field's names: the items of a list, or the keys of an object; none where the field is missing."""
    value = described.get(field)
    return [str(name) for name in value] if isinstance(value, list | dict) else []


def _any(names: list[str]) -> str:
    return "one of " + ", ".join(names) if names else "what it offers (nothing)"
