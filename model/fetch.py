"""Fetch the published checkpoint: resumed where it was broken off, and never used unless it is the one trusted.

`huggingface_hub` knows the hub's address (`HF_ENDPOINT` names another), its protocol and its redirects, and shows
progress. Its own download begins anew in each process, so the part file and what is resumed are ours.
"""

import importlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.artefact import sha256_of
from model.errors import FetchError
from model.pin import PIN_FILE, Pin, record_pin

log = logging.getLogger(__name__)


def fetch(
    pin: Pin, folder: Path, *, record: bool = False, endpoint: str | None = None, pin_file: Path = PIN_FILE
) -> tuple[Path, Pin]:
    """Have the pinned checkpoint on this machine.

    Args:
        pin: What is trusted.
        folder: Where checkpoints are kept, one folder for each revision.
        record: Trust what the hub gives now, where nothing is pinned yet, and write its pin.
        endpoint: Address of the hub; None takes `HF_ENDPOINT`, else the public one.
        pin_file: Where a pin is recorded.

    Returns:
        The file, verified just now, and its pin.

    Raises:
        FetchError: Nothing is pinned and `record` is not set, the hub cannot be reached or lacks the file, or the file
            is not the one that is pinned.
    """
    if pin.revision is None and not record:
        raise FetchError(
            f"{pin_file.name} pins no revision of {pin.repo} yet: from a network you trust, run "
            "`python -m model fetch --record`, compare the sha256 it shows with the one on the file's page, and commit"
        )
    if pin.revision is not None:
        held = _place(pin, pin.revision, folder)
        if held.exists():
            return _verified(held, pin), pin
    hub, url, about = _look_up(pin, endpoint)
    target = _place(pin, about.commit_hash, folder)
    if not target.exists():
        _download(hub, url, about, target)
    if pin.revision is not None:
        return _verified(target, pin), pin
    recorded = replace(pin, revision=about.commit_hash, sha256=sha256_of(target))
    record_pin(recorded, pin_file)
    log.warning("recorded in %s: revision %s, sha256 %s", pin_file.name, recorded.revision, recorded.sha256)
    return target, recorded


def _place(pin: Pin, revision: str, folder: Path) -> Path:
    return folder / revision / Path(pin.file).name


def _verified(path: Path, pin: Pin) -> Path:
    """The file, if it is the pinned one; else it is removed, so that the next attempt begins anew."""
    found = sha256_of(path)
    if found != pin.sha256:
        path.unlink()
        raise FetchError(
            f"{path} had sha256 {found}, but {pin.sha256} is pinned; it was removed. "
            "Fetch again; if it happens again, the file was changed or replaced on its way: do not use it"
        )
    log.info("%s is the pinned one (sha256 %s)", path, found)
    return path


def _look_up(pin: Pin, endpoint: str | None) -> tuple[Any, str, Any]:
    """The library, the file's address, and what the hub says of it (commit, size)."""
    hub = _library()
    url = hub.hf_hub_url(pin.repo, pin.file, revision=pin.revision or "main", endpoint=endpoint)
    with _explained(hub, f"{pin.file} of {pin.repo}", url):
        about = hub.get_hf_file_metadata(url, token=False, endpoint=endpoint)
    if not about.commit_hash or (pin.revision and about.commit_hash != pin.revision):
        raise FetchError(f"{url} is of revision {about.commit_hash}, not {pin.revision or 'any commit'}; no hub, this?")
    if about.size is None:
        raise FetchError(f"{url} has no size; no hub, this?")
    # From here on the commit is meant, even if the branch moves on meanwhile.
    return hub, hub.hf_hub_url(pin.repo, pin.file, revision=about.commit_hash, endpoint=endpoint), about


def _download(hub: Any, url: str, about: Any, target: Path) -> None:
    """Fetch into a part file, beginning where a former attempt ended."""
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    begun = part.stat().st_size
    if begun > about.size:
        part.unlink()
        part.touch()
        begun = 0
    if begun:
        log.info("resuming %s at %.0f of %.0f MB", target.name, begun / 1e6, about.size / 1e6)
    with _explained(hub, target.name, url), part.open("r+b") as file:
        file.seek(begun)
        hub.http_get(url, file, resume_size=begun, headers={}, expected_size=about.size)
    part.replace(target)


def _library() -> Any:
    """Import it with everything off that is not asked for; it reads its switches when imported."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    return importlib.import_module("huggingface_hub.file_download")


@contextmanager
def _explained(hub: Any, what: str, url: str) -> Iterator[None]:
    """Turn what the network and the hub can raise into one clear error."""
    try:
        yield
    except (hub.httpx2.HTTPError, OSError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        if status is not None:
            raise FetchError(f"the hub answered {status} for {what} ({url}): {first}") from error
        raise FetchError(
            f"{what} cannot be had from {url}: {first}. Is there internet? Behind a mirror, set HF_ENDPOINT. "
            "What was fetched so far is kept, and the next attempt goes on from there"
        ) from error
