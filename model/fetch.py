"""Fetch the published checkpoint: resumed where it was broken off, and never used unless it is the one trusted.

Where nothing is pinned yet, a first use checks the file and pins it for this user; from then on no other is accepted.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from model.errors import CheckpointError, FetchError
from model.format import USERS, sha256_of
from model.hub import Remote, download, look_up, read_beside
from model.pin import Pin, record_pin, users_pin_file

log = logging.getLogger(__name__)

Inspect = Callable[[Path, Callable[[str], str | None]], None]
"""Raises `ModelError` where a file is not what it should be; may read other files of its repository and revision."""

CLAY = ("made-with-clay/Clay", "v1.5/clay-v1.5.ckpt")
REPORTED = {CLAY: "21432069250b9b3f9a65ffd0071c5ad56b793247285ab0604edf7f531d4798d0"}
"""sha256 that several public projects note of the file they use. Not verified; a first use logs if it is the same."""


def fetch(pin: Pin, folder: Path, inspect: Inspect, *, endpoint: str | None = None) -> tuple[Path, Pin]:
    """Have the pinned checkpoint on this machine; where nothing is pinned, check it and pin it for this user.

    Args:
        pin: What is trusted, as `model.pin.trusted_pin` gives it.
        folder: Where checkpoints are kept, one folder for each revision, and this user's pin.
        inspect: Checks a file before it is trusted.
        endpoint: Address of the hub; None takes `HF_ENDPOINT`, else the public one.

    Returns:
        The file, verified just now, and its pin.

    Raises:
        FetchError: The hub cannot be reached or lacks the file, or the file is not the one that is pinned, or not the
            one that the hub describes.
        ModelError: What `inspect` raises; nothing is pinned then.
    """
    if pin.revision is None:
        return _first_use(pin, folder, inspect, endpoint)
    target = _target(pin, pin.revision, folder)
    if not target.exists():
        download(look_up(pin, endpoint), target)
    return _verified(target, pin), pin


def _first_use(pin: Pin, folder: Path, inspect: Inspect, endpoint: str | None) -> tuple[Path, Pin]:
    remote = look_up(pin, endpoint)
    log.warning(
        "nothing is pinned yet: first use of %s/%s, revision %s, %.2f GB",
        *pin.file_of,
        remote.commit,
        remote.size / 1e9,
    )
    target = _target(pin, remote.commit, folder)
    if not target.exists():
        download(remote, target)
    digest = _as_described(target, remote)
    first = replace(pin, revision=remote.commit, sha256=digest, by=USERS)
    try:
        inspect(target, partial(read_beside, first, endpoint))
    except CheckpointError:
        if remote.sha256 is None:  # it may have been altered on its way: the next attempt fetches it anew
            target.unlink()
        raise
    _compare_with_reported(first)
    place = users_pin_file(pin, folder)
    record_pin(first, place)
    log.warning(
        "pinned for this user in %s; no other file is accepted from now on:\n    revision  %s\n    sha256    %s\n"
        "To pin it for all users, compare the sha256 with the one on the file's page, run `make pin`, and commit "
        "model/checkpoint.json",
        place,
        first.revision,
        first.sha256,
    )
    return target, first


def _as_described(path: Path, remote: Remote) -> str:
    """Digest of a file that has the size and, where the hub states one, the sha256; any other is removed."""
    size = path.stat().st_size
    if size != remote.size:
        path.unlink()
        raise FetchError(f"{path} had {size} bytes, but the hub says {remote.size}; it was removed. Fetch again")
    digest = sha256_of(path)
    if remote.sha256 not in {None, digest}:
        path.unlink()
        raise FetchError(
            f"{path} had sha256 {digest}, but the hub says {remote.sha256}; it was removed. Fetch again; if it happens "
            "again, the file is changed on its way: do not use it"
        )
    hub_says = "as the hub says" if remote.sha256 else "of which the hub says nothing"
    log.info("%s: %d bytes, sha256 %s, %s", path.name, size, digest, hub_says)
    return digest


def _compare_with_reported(pin: Pin) -> None:
    reported = REPORTED.get(pin.file_of)
    if reported == pin.sha256:
        log.info("public projects note the same sha256 of the file that they use")
    elif reported is not None:
        log.warning(
            "public projects note another sha256 of the file that they use, %s: read on its page what has changed",
            reported,
        )


def _target(pin: Pin, revision: str, folder: Path) -> Path:
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
