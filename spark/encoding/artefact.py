"""An artefact's folder on this machine: its description, and its files, each refused unless whole."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from model.format import DESCRIPTION, Description, FormatError, read_description, sha256_of
from spark.encoding.errors import ArtefactError, ChoiceError


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """An encoder that was built.

    Attributes:
        folder: Where its files lie.
        described: What its `model.json` says.
        fetch: Brings a file into the folder; None where the folder is all there is.
    """

    folder: Path
    described: Description
    fetch: Callable[[str], object] | None = field(default=None, compare=False)

    @property
    def chip_shape(self) -> tuple[int, int, int]:
        """(band, row, col) of one chip."""
        return len(self.described.bands), self.described.chip_px, self.described.chip_px

    def require_convention(self, convention: str) -> None:
        """Refuse a convention without reference vectors.

        Raises:
            ChoiceError: Naming those that have some.
        """
        if convention not in self.described.conventions:
            raise ChoiceError("convention", convention, self.described.conventions)

    def file(self, name: str) -> Path:
        """A file of the folder, fetched if it is not there yet, its content checked.

        Raises:
            ArtefactError: It is not listed, not there, or altered.
        """
        path = self.folder / name
        expected = self.described.sha256.get(name)
        if expected is None:
            raise ArtefactError(f"{self.folder / DESCRIPTION} has no sha256 of {name}; build the model again")
        if not path.is_file() and self.fetch is not None:
            self.fetch(name)
        try:
            found = sha256_of(path)
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
    try:
        return Artefact(folder=folder, described=read_description(folder), fetch=fetch)
    except FormatError as error:
        raise ArtefactError(str(error)) from error
