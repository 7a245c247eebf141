"""Which encoder a command embeds with: the folder of an artefact, or the name of one that was built here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from claylake.errors import BadInputError
from claylake.release import MODEL_DESCRIPTION
from cli.machine import user_cache

_HOW: Final = {
    "clay-v1.5": "`make model` fetches its checkpoint and builds it (installed: `claylake-model build --name {0}`)",
    "demo-random": "`make model NAME={0}` builds it in seconds (installed: `claylake-model build --name {0}`)",
    "large-random": "`make model NAME={0}` builds it (installed: `claylake-model build --name {0}`)",
}


def find_encoder(given: str) -> Path:
    """The artefact's folder.

    Args:
        given: a folder that holds ``model.json``, or a name.

    Raises:
        BadInputError: there is none; the message says how to get one.
    """
    folder = Path(given).expanduser()
    if (folder / MODEL_DESCRIPTION).is_file():
        return folder.absolute()
    if folder.is_dir():
        msg = f"--encoder {given}: the folder has no {MODEL_DESCRIPTION}, so it is no encoder artefact"
        raise BadInputError(msg)
    if "/" in given:
        msg = f"--encoder {given}: no such folder; give an artefact's, or one of the names {', '.join(_HOW)}"
        raise BadInputError(msg)
    built = _built(given)
    if built is None:
        unknown = f"names are {', '.join(_HOW)}; an artefact of your own is given by its folder"
        how = _HOW.get(given, unknown).format(given)
        other = "" if given == "demo-random" else "; to try things out without it: --encoder demo-random"
        msg = f"encoder {given} is not on this machine: {how}{other if given in _HOW else ''}"
        raise BadInputError(msg)
    return built


def _built(name: str) -> Path | None:
    """The newest build of a name in the user's cache."""
    found = (user_cache() / "model").glob(f"*/{name}/{MODEL_DESCRIPTION}")
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return newest.parent if newest else None
