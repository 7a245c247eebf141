"""What the artefact bucket holds: jars, the code's zip, jobs, and encoders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from claylake import store
from claylake.errors import BadInputError, StoreError

if TYPE_CHECKING:
    from claylake.settings import Deployed, Settings

JARS: Final = (
    "sedona-spark-shaded-3.5_2.12-1.8.1.jar",
    "iceberg-spark-runtime-3.5_2.12-1.10.1.jar",
    "iceberg-aws-bundle-1.10.1.jar",
)
CODE: Final = "claylake.zip"
"""Packages `claylake` and `spark`, for ``--py-files``."""
MODEL_CARD: Final = "model.json"
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


def model_uri(deployed: Deployed, model: str, *names: str) -> str:
    """The folder of an encoder artefact, or one of its objects."""
    return store.join(deployed.artifacts, "model", model, *names)


def model_version(settings: Settings) -> str:
    """Version of the encoder that the settings name, from its ``model.json``.

    Raises:
        BadInputError: if there is no such encoder, or it does not allow the convention or precision.
        StoreError: if ``model.json`` cannot be read.
    """
    encoder = settings.encoder
    card = _card(settings)
    for what, value, allowed in (
        ("convention", encoder.convention, card.get("conventions", [])),
        ("precision", encoder.precision, [*card.get("precisions", []), "auto"]),
    ):
        if value not in allowed:
            msg = f"encoder {encoder.model} does not offer {what} {value!r}: set encoder.{what} to {_any(allowed)}"
            raise BadInputError(msg)
    version = card.get("model_version")
    if not isinstance(version, str) or not version:
        msg = f"{model_uri(settings.where, encoder.model, MODEL_CARD)} names no model_version: build the artefact anew"
        raise StoreError(msg)
    return version


def _card(settings: Settings) -> dict[str, Any]:
    uri = model_uri(settings.where, settings.encoder.model, MODEL_CARD)
    if not store.exists(uri):
        folder = model_uri(settings.where, "")
        cards = [name for name in store.names(folder) if name.endswith("/" + MODEL_CARD)]
        msg = (
            f"encoder.model {settings.encoder.model!r}: {uri} is not there; "
            f"set it to {_any(sorted(card.split('/')[-2] for card in cards))}, or upload the artefact"
        )
        raise BadInputError(msg)
    try:
        card = json.loads(store.read(uri))
    except ValueError as error:
        msg = f"{uri} is not JSON: {error}"
        raise StoreError(msg) from error
    if not isinstance(card, dict):
        msg = f"{uri}: expected an object, got {type(card).__name__}"
        raise StoreError(msg)
    return card


def _any(names: list[str]) -> str:
    return "one of " + ", ".join(names) if names else "what it offers (nothing)"
