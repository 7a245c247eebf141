"""Which encoder artefacts go into a build."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from infra.build.errors import BuildError
from infra.pinned import doubt
from model.format import DESCRIPTION, FormatError, read_description

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from model.format import Description


def find_models(wanted: Iterable[str], build: Callable[[str], Path]) -> list[Path]:
    """The artefact folders of encoders.

    Args:
        wanted: Folders of artefacts, or names that `build` knows.
        build: Builds the encoder of a name where that has not been done yet, gives its folder.

    Raises:
        BuildError: One is not there, cannot be built or is not of the format that claylake reads, or two have one name.
    """
    folders = [_folder(each, build) for each in wanted]
    for folder in folders:
        _read(folder)
    names = [folder.name for folder in folders]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BuildError(f"two encoders are called {', '.join(twice)}: settings could not name one of them")
    return folders


def builder(python: Path, root: Path, arch: str, precisions: Sequence[str] = ()) -> Callable[[str], Path]:
    """Builds encoders by name with the `model` package of a checkout, whose command prints the folder it has made.

    Args:
        python: Of the spark environment.
        root: The checkout.
        arch: Kind of machine that embeds.
        precisions: For encoders to hold in any case: those that this machine is slow in are left out otherwise.
    """
    named = [part for precision in precisions for part in ("--precision", precision)]

    def build(name: str) -> Path:
        command = [str(python), "-m", "model", "build", "--name", name, "--arch", arch, *named]
        # What it says of a download, and what it trusts, is for the user to read while it happens.
        done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise BuildError(f"encoder {name!r} cannot be built, see above")
        return Path(done.stdout.strip().splitlines()[-1])

    return build


def describe(folder: Path) -> str:
    """Name, version and architecture, as its description says, and what is doubtful of its weights.

    Raises:
        BuildError: The description cannot be read.
    """
    description = _read(folder)
    about = f"{folder.name}: {description.model_version}, built for {description.arch}"
    found = doubt(folder.name, description.source)
    return f"{about}\n   production refuses it: {found}" if found else about


def _read(folder: Path) -> Description:
    try:
        return read_description(folder)
    except FormatError as error:
        raise BuildError(str(error)) from error


def _folder(wanted: str, build: Callable[[str], Path]) -> Path:
    folder = Path(wanted)
    if not (folder / DESCRIPTION).is_file():
        if len(folder.parts) > 1:
            raise BuildError(
                f"{wanted} is no encoder's folder: it has no {DESCRIPTION}; give one with it, or a name to build"
            )
        folder = build(wanted)
    return folder.resolve()
