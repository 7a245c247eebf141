"""The folder that a build of the model leaves (format 2): its description, and its files, each refused unless whole."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spark.encoding.errors import ArtefactError, ChoiceError

FORMAT = 2
DESCRIPTION = "model.json"
REFERENCE = "reference.npz"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One precision that an artefact was built for.

    Attributes:
        program: File of the exported program.
        form: What that is written with: `plain` or `onednn`.
        max_error: Largest difference of a component from the reference; None where only directions are held to.
        min_cosine: Least cosine between a vector and its reference.
    """

    program: str
    form: str
    max_error: float | None
    min_cosine: float


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """What `model.json` says.

    Attributes:
        folder: Where the files lie.
        model_version: Name and digest of the weights; stored with every vector.
        arch: Kind of device that it was built for: `cpu`, `cuda` or `mps`.
        torch: Version of torch that exported the programs.
        architecture: Sizes of the network, for `model.lean.LeanConfig`.
        bands: Names of the chips' bands, in order.
        chip_px: Side of a chip.
        dim: Length of a vector.
        max_batch: Most chips that the programs take at once.
        offers: What it was built for, by precision.
        conventions: Input conventions it has reference vectors for.
        digests: sha256 by file name.
        fetch: Brings a file into the folder; None where the folder is all there is.
    """

    folder: Path
    model_version: str
    arch: str
    torch: str
    architecture: Mapping[str, Any]
    bands: tuple[str, ...]
    chip_px: int
    dim: int
    max_batch: int
    offers: Mapping[str, Offer]
    conventions: tuple[str, ...]
    digests: Mapping[str, str]
    fetch: Callable[[str], object] | None = field(default=None, compare=False)

    @property
    def chip_shape(self) -> tuple[int, int, int]:
        """(band, row, col) of one chip."""
        return len(self.bands), self.chip_px, self.chip_px

    def require_convention(self, convention: str) -> None:
        """Refuse a convention without reference vectors.

        Raises:
            ChoiceError: Naming those that have some.
        """
        if convention not in self.conventions:
            raise ChoiceError("convention", convention, self.conventions)

    def file(self, name: str) -> Path:
        """A file of the folder, fetched if it is not there yet, its content checked.

        Raises:
            ArtefactError: It is not listed, not there, or altered.
        """
        path = self.folder / name
        expected = self.digests.get(name)
        if expected is None:
            raise ArtefactError(f"{self.folder / DESCRIPTION} has no sha256 of {name}; build the model again")
        if not path.is_file() and self.fetch is not None:
            self.fetch(name)
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise ArtefactError(f"{path} is missing; fetch the whole folder again") from None
        if found != expected:
            raise ArtefactError(
                f"{path} has sha256 {found}, {DESCRIPTION} says {expected}; fetch the whole folder again"
            )
        return path


def read_artefact(folder: Path, fetch: Callable[[str], object] | None = None) -> Artefact:
    """Read the description. Files are checked when they are used.

    Args:
        folder: With `model.json`.
        fetch: Brings a named file into the folder.

    Raises:
        ArtefactError: The description is missing, of another format, or lacks something.
    """
    path = folder / DESCRIPTION
    described = _description(path)
    try:
        artefact = Artefact(
            folder=folder,
            model_version=str(described["model_version"]),
            arch=str(described["arch"]),
            torch=str(described["torch"]),
            architecture=dict(described["architecture"]),
            bands=tuple(described["bands"]),
            chip_px=int(described["chip_px"]),
            dim=int(described["dim"]),
            max_batch=int(described["max_batch"]),
            offers={name: _offer(offered, described["arch"]) for name, offered in described["precisions"].items()},
            conventions=tuple(described["conventions"]),
            digests={str(name): str(digest) for name, digest in described["sha256"].items()},
            fetch=fetch,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(f"{path} lacks or mangles {error}; build the model again") from error
    if described.get("input") != "dn":
        raise ArtefactError(f"{path} says input {described.get('input')!r}; only 'dn' is known here")
    foreign = [name for name in artefact.digests if Path(name).name != name]
    if foreign:
        raise ArtefactError(f"{path} lists {foreign[0]!r}; only files of the folder itself may be listed")
    return artefact


def _offer(offered: Mapping[str, Any], arch: str) -> Offer:
    largest = offered["max_error"]
    return Offer(
        program=str(offered["program"]),
        form=str(offered.get("form", "onednn" if arch == "cpu" else "plain")),  # older builds do not say
        max_error=None if largest is None else float(largest),
        min_cosine=float(offered["min_cosine"]),
    )


def _description(path: Path) -> dict[str, Any]:
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError(f"{path} is missing: not a model folder, or one whose build did not end") from None
    except ValueError as error:
        raise ArtefactError(f"{path} is not JSON: {error}") from error
    found = described.get("format") if isinstance(described, dict) else None
    if found != FORMAT:
        raise ArtefactError(f"{path} is of format {found!r}; this reader knows {FORMAT}: build the model again")
    return dict(described)
