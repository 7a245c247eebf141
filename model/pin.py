"""Which published checkpoint is trusted: the file beside this module that names it, its revision and its digest."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from model.errors import FetchError

PIN_FILE = Path(__file__).with_name("checkpoint.json")
_COMMIT, _SHA256 = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A file of a repository on the hub.

    Attributes:
        repo: Its repository.
        file: Its path there.
        revision: Commit, 40 hexadecimal digits; None until a first download recorded it.
        sha256: Of its bytes; None as long as the revision is.
    """

    repo: str
    file: str
    revision: str | None
    sha256: str | None

    def __post_init__(self) -> None:
        """Refuse half a pin, and moving names such as branches.

        Raises:
            FetchError: Not both or neither of revision and sha256, or one that is not all its digits.
        """
        for name, value, form in (("revision", self.revision, _COMMIT), ("sha256", self.sha256, _SHA256)):
            if value is not None and not form.fullmatch(value):
                raise FetchError(f"the pin's {name} is {value!r}; it must be all hexadecimal digits, or null")
        if (self.revision is None) != (self.sha256 is None):
            raise FetchError("the pin has only one of revision and sha256; record both, or set both to null")

    @property
    def source(self) -> dict[str, object]:
        """What an artefact's description says of it."""
        return {"checkpoint": f"{self.repo}/{self.file}", "revision": self.revision, "sha256": self.sha256}


def read_pin(path: Path = PIN_FILE) -> Pin:
    """Read the pin.

    Raises:
        FetchError: The file is missing or mangled.
    """
    try:
        return Pin(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise FetchError(f"{path} names no checkpoint: {error}") from error


def record_pin(pin: Pin, path: Path = PIN_FILE) -> None:
    """Write the pin, to be committed."""
    path.write_text(json.dumps(asdict(pin), indent=2) + "\n", encoding="utf-8")
