"""Which published checkpoint is trusted: by all, in the file beside this module, or by one user since a first use."""

import json
import logging
import re
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from model.errors import FetchError
from model.format import COMMITTED, USERS, Source

log = logging.getLogger(__name__)

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
        by: Who trusts it, `COMMITTED` or `USERS`; not part of the file.
    """

    repo: str
    file: str
    revision: str | None
    sha256: str | None
    by: str = COMMITTED

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
    def file_of(self) -> tuple[str, str]:
        """Repository and path: what is pinned, without to what."""
        return self.repo, self.file

    @property
    def source(self) -> Source:
        """What an artefact's description records of it."""
        return Source(checkpoint=f"{self.repo}/{self.file}", revision=self.revision, sha256=self.sha256, pin=self.by)


def read_pin(path: Path = PIN_FILE, by: str = COMMITTED) -> Pin:
    """Read the pin.

    Raises:
        FetchError: The file is missing or mangled.
    """
    try:
        return Pin(**json.loads(path.read_text(encoding="utf-8")), by=by)
    except (OSError, ValueError, TypeError) as error:
        raise FetchError(f"{path} names no checkpoint: {error}") from error


def is_committed(path: Path = PIN_FILE) -> bool:
    """Whether git has the file as it lies here; true, too, where there is no git."""
    try:
        command = ["git", "status", "--porcelain", "--", path.name]
        done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    except OSError:
        return True
    return done.returncode != 0 or not done.stdout.strip()


def record_pin(pin: Pin, path: Path) -> None:
    """Write the pin."""
    content = {name: value for name, value in asdict(pin).items() if name != "by"}
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False, encoding="utf-8") as part:
        part.write(json.dumps(content, indent=2) + "\n")
    Path(part.name).chmod(0o644)
    Path(part.name).replace(path)


def users_pin_file(pin: Pin, folder: Path) -> Path:
    """Where this user's pin of the same file is kept.

    Args:
        pin: Any pin of the file.
        folder: Where checkpoints are kept.
    """
    return folder / f"{Path(pin.file).stem}.pin.json"


def trusted_pin(committed: Pin, folder: Path) -> Pin:
    """The pin that counts: the committed one, else this user's, else one that pins nothing.

    Args:
        committed: Of the repository, with or without a revision.
        folder: Where checkpoints are kept.

    Raises:
        FetchError: This user's pin is mangled, or pins another file.
    """
    path = users_pin_file(committed, folder)
    if not path.exists():
        return committed
    try:
        users = read_pin(path, USERS)
    except FetchError as error:
        if committed.revision is not None:
            log.warning("%s is ignored, the committed %s counts: %s", path, PIN_FILE.name, error)
            return committed
        raise FetchError(f"{error}; remove it to begin with a first use again") from error
    if committed.revision is None:
        if users.file_of != committed.file_of:
            raise FetchError(
                f"{path} pins {'/'.join(users.file_of)}, but {PIN_FILE.name} names {'/'.join(committed.file_of)}; "
                "remove the former to begin with a first use of the latter"
            )
        return users
    if (users.file_of, users.sha256) != (committed.file_of, committed.sha256):
        log.warning(
            "%s is ignored: it pins sha256 %s, but the committed %s pins %s, which counts; remove the former",
            path,
            users.sha256,
            PIN_FILE.name,
            committed.sha256,
        )
    return committed
