import hashlib
import json
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.errors import FetchError
from model.fetch import fetch
from model.pin import Pin, read_pin
from tests.model.hub import COMMIT, Hub

CONTENT = np.random.default_rng(4).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
UNPINNED = Pin(repo="made-with-clay/Clay", file="v1.5/clay-v1.5.ckpt", revision=None, sha256=None)
PINNED = replace(UNPINNED, revision=COMMIT, sha256=SHA256)


@pytest.fixture
def hub():
    with Hub(UNPINNED.repo, UNPINNED.file, CONTENT) as serving:
        yield serving
        serving.shutdown()


def uninspected(*_):
    pytest.fail("what is pinned has been inspected")


@pytest.fixture(autouse=True)
def small_and_swift(monkeypatch: pytest.MonkeyPatch):
    """The library sleeps between its attempts to resume, and loses what of a chunk of 10 MB has come."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100_000)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)


def test_pinned_file_is_fetched_whole_and_once(hub: Hub, tmp_path: Path):
    path, pin = fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)
    assert (path.read_bytes(), pin) == (CONTENT, PINNED)
    assert hub.ranges == [None]
    assert all(COMMIT in path for path in hub.paths), "a pinned commit is requested, never a branch"
    assert fetch(PINNED, tmp_path, uninspected, endpoint="http://127.0.0.1:9") == (path, PINNED)
    assert [item.name for item in path.parent.iterdir()] == ["clay-v1.5.ckpt"]


def test_broken_connection_is_resumed_at_once(hub: Hub, tmp_path: Path):
    hub.drop_after = 1_200_000
    path, _ = fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)
    assert path.read_bytes() == CONTENT
    assert [asked is None for asked in hub.ranges] == [True, False, False]


def test_broken_download_is_resumed_by_the_next_attempt(hub: Hub, tmp_path: Path):
    part = tmp_path / COMMIT / "clay-v1.5.ckpt.part"
    hub.refuse = 503
    part.parent.mkdir()
    part.write_bytes(CONTENT[:1_700_000])
    with pytest.raises(FetchError, match="answered 503"):
        fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)
    assert part.read_bytes() == CONTENT[:1_700_000]
    hub.refuse = None
    path, _ = fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)
    assert path.read_bytes() == CONTENT
    assert hub.ranges[-1] == "bytes=1700000-"
    assert not part.exists()


@pytest.mark.parametrize("begun", [b"x" * 100, CONTENT + b"more"], ids=["other bytes", "too long"])
def test_part_of_something_else_never_passes(hub: Hub, tmp_path: Path, begun: bytes):
    part = tmp_path / COMMIT / "clay-v1.5.ckpt.part"
    part.parent.mkdir()
    part.write_bytes(begun)
    if len(begun) < len(CONTENT):
        with pytest.raises(FetchError, match="is pinned; it was removed"):
            fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)
    path, _ = fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)
    assert path.read_bytes() == CONTENT


def test_other_bytes_than_pinned_are_refused_and_removed(hub: Hub, tmp_path: Path):
    hub.content = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    with pytest.raises(FetchError, match=rf"{hashlib.sha256(hub.content).hexdigest()}.*{SHA256} is pinned"):
        fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)
    assert not list(tmp_path.rglob("*.ckpt"))


def test_file_that_rotted_on_disk_is_refused(hub: Hub, tmp_path: Path):
    path, _ = fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(FetchError, match="is pinned; it was removed"):
        fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)
    assert fetch(PINNED, tmp_path, uninspected, endpoint=hub.url)[0].read_bytes() == CONTENT


def test_file_that_the_hub_lacks(hub: Hub, tmp_path: Path):
    with pytest.raises(FetchError, match=r"answered 404 for v9/none.ckpt of made-with-clay/Clay"):
        fetch(replace(PINNED, file="v9/none.ckpt"), tmp_path, uninspected, endpoint=hub.url)


def test_offline_says_so_and_what_to_do(tmp_path: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(FetchError, match=r"cannot be had from http://127.*Is there internet\?.*HF_ENDPOINT"):
        fetch(PINNED, tmp_path, uninspected, endpoint=nobody)


@pytest.mark.parametrize(
    "bad", [{"revision": "main", "sha256": SHA256}, {"revision": COMMIT}, {"sha256": "12"}, {"colour": "red"}]
)
def test_pin_is_whole_or_refused(tmp_path: Path, bad: dict[str, str]):
    path = tmp_path / "pin.json"
    path.write_text(json.dumps({"repo": "a/b", "file": "c", "revision": None, "sha256": None} | bad))
    with pytest.raises(FetchError):
        read_pin(path)


def test_the_repository_pins_clay():
    pin = read_pin()
    assert (pin.repo, pin.file) == ("made-with-clay/Clay", "v1.5/clay-v1.5.ckpt")
