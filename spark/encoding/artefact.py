"""The folder that a build of the model leaves: read, and refused unless whole."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spark.encoding.errors import ArtefactError, ChoiceError

FORMAT = 1
DESCRIPTION = "model.json"
PROGRAM = "encoder.pt2"
REFERENCE = "reference.npz"
NEEDED = (PROGRAM, REFERENCE)
"""Files an executor loads. Others that the description lists (the weights) may be left behind."""


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """What `model.json` says, once the files were found to agree.

    Attributes:
        folder: Where the files lie.
        model_version: Name and digest of the weights; stored with every vector.
        torch: Version of torch that exported the program.
        bands: Names of the chips' bands, in order.
        chip_px: Side of a chip.
        dim: Length of a vector.
        max_batch: Most chips the program takes at once.
        precisions: Precisions it was built for.
        conventions: Input conventions it has reference vectors for.
    """

    folder: Path
    model_version: str
    torch: str
    bands: tuple[str, ...]
    chip_px: int
    dim: int
    max_batch: int
    precisions: tuple[str, ...]
    conventions: tuple[str, ...]

    @property
    def chip_shape(self) -> tuple[int, int, int]:
        """(band, row, col) of one chip."""
        return len(self.bands), self.chip_px, self.chip_px

    def require(self, *, convention: str, precision: str) -> None:
        """Refuse what the artefact was not built for.

        Raises:
            ChoiceError: Naming what it was built for.
        """
        if convention not in self.conventions:
            raise ChoiceError("convention", convention, self.conventions)
        if precision not in self.precisions:
            raise ChoiceError("precision", precision, self.precisions)


def read_artefact(folder: Path) -> Artefact:
    """Read the description and check every file against it.

    Raises:
        ArtefactError: A file is missing or altered, or the description is of another format or lacks something.
    """
    described = _description(folder / DESCRIPTION)
    try:
        digests = {str(name): str(digest) for name, digest in described["sha256"].items()}
        artefact = Artefact(
            folder=folder,
            model_version=str(described["model_version"]),
            torch=str(described["torch"]),
            bands=tuple(described["bands"]),
            chip_px=int(described["chip_px"]),
            dim=int(described["dim"]),
            max_batch=int(described["max_batch"]),
            precisions=tuple(described["precisions"]),
            conventions=tuple(described["conventions"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(f"{folder / DESCRIPTION} lacks or mangles {error}; build the model again") from error
    if described.get("input") != "dn":
        raise ArtefactError(f"{folder / DESCRIPTION} says input {described.get('input')!r}; only 'dn' is known here")
    _verify(folder, digests)
    return artefact


def _description(path: Path) -> dict[str, Any]:
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError(f"{path} is missing: not a model folder, or one whose build did not end") from None
    except ValueError as error:
        raise ArtefactError(f"{path} is not JSON: {error}") from error
    found = described.get("format") if isinstance(described, dict) else None
    if found != FORMAT:
        raise ArtefactError(f"{path} is of format {found!r}; this reader knows {FORMAT}")
    return dict(described)


def _verify(folder: Path, digests: dict[str, str]) -> None:
    unlisted = [name for name in NEEDED if name not in digests]
    if unlisted:
        raise ArtefactError(f"{folder / DESCRIPTION} has no sha256 of {', '.join(unlisted)}; build the model again")
    for name, expected in digests.items():
        path = folder / name
        if Path(name).name != name:
            raise ArtefactError(f"{folder / DESCRIPTION} lists {name!r}; only files of the folder itself may be listed")
        if not path.is_file():
            if name in NEEDED:
                raise ArtefactError(f"{path} is missing; fetch the whole folder again")
            continue
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise ArtefactError(
                f"{path} has sha256 {found}, {DESCRIPTION} says {expected}; fetch the whole folder again"
            )
