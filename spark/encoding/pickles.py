"""Refuse pickles: an exported program may carry them, and loading one runs its code."""

import json
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from spark.encoding.errors import ArtefactError


def refuse_pickles(program: Path) -> None:
    """Look through a `.pt2` archive before torch does.

    torch 2.10's loader unpickles freely: legacy weights, constants marked `use_pickle`, custom objects, example inputs.
    A program that this house builds has plain tensors and no example inputs.

    Raises:
        ArtefactError: The archive holds one of these, or is no archive.
    """
    try:
        with ZipFile(program) as archive:
            for member in archive.infolist():
                if _may_be_pickle(member):
                    raise ArtefactError(
                        f"{program} holds {member.filename}, which may be a pickle; build the model again"
                    )
                if member.filename.endswith("_config.json"):
                    _check_payloads(program, archive.read(member))
    except (BadZipFile, ValueError) as error:
        raise ArtefactError(f"{program} is not an exported program: {error}") from error


def _may_be_pickle(member: ZipInfo) -> bool:
    name = member.filename
    return member.file_size > 0 and (name.endswith((".pt", ".pkl")) or "custom_obj" in name)


def _check_payloads(program: Path, config: bytes) -> None:
    for tensor, payload in json.loads(config)["config"].items():
        if payload.get("use_pickle") is not False:
            raise ArtefactError(f"{program} keeps {tensor} as a pickle; build the model again")
