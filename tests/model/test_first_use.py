"""Nothing is pinned: what a first use checks, what it records, and what is accepted afterwards."""

import hashlib
import json
import logging
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.__main__ import main
from model.architecture import UPSTREAM_PREFIX
from model.errors import FetchError
from model.format import COMMITTED, USERS
from model.pin import PIN_FILE, Pin, is_committed, read_pin, record_pin, trusted_pin, users_pin_file
from tests.model import metadata
from tests.model.checkpoints import published, saved
from tests.model.clays import MICRO
from tests.model.hub import COMMIT, Hub

UNPINNED = Pin(repo="made-with-clay/Clay", file="v1.5/clay-v1.5.ckpt", revision=None, sha256=None)
NOBODY = "http://127.0.0.1:9"
OTHER_COMMIT = "f" * 40
CONTENT = saved(published())
SHA256 = hashlib.sha256(CONTENT).hexdigest()
USERS_PIN = replace(UNPINNED, revision=COMMIT, sha256=SHA256, by=USERS)

Run = Callable[..., int]


@pytest.fixture
def hub():
    with Hub(UNPINNED.repo, UNPINNED.file, CONTENT) as serving:
        serving.beside["configs/metadata.yaml"] = metadata.text()
        yield serving
        serving.shutdown()


@pytest.fixture
def commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Pin], Path]:
    """Stands in for the pin of the checkout."""
    path = tmp_path / "checkout.json"

    def put(pin: Pin) -> Path:
        record_pin(pin, path)
        return path

    monkeypatch.setattr("model.__main__.PIN_FILE", path)
    monkeypatch.setattr("model.__main__.read_pin", lambda: read_pin(path))
    return put


@pytest.fixture
def run(hub: Hub, commit: Callable[[Pin], Path], tmp_path: Path, monkeypatch, caplog) -> Run:
    """The command line, with an empty cache and a small model in place of the large one."""
    monkeypatch.setattr("model.recipes.named_config", lambda _: MICRO)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    monkeypatch.setenv("CLAYLAKE_CACHE", str(tmp_path / "cache"))
    caplog.set_level(logging.INFO)
    commit(UNPINNED)

    def command(*words: str, endpoint: str = hub.url) -> int:
        caplog.clear()
        return main([*words, "--endpoint", endpoint])

    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache/checkpoint"


@pytest.fixture
def held(folder: Path) -> Path:
    """Where the file comes to lie."""
    return folder / COMMIT / "clay-v1.5.ckpt"


@pytest.fixture
def pin_file(folder: Path) -> Path:
    return users_pin_file(UNPINNED, folder)


def refused(run: Run, pin_file: Path) -> None:
    assert run("fetch") == 1
    assert not pin_file.exists(), "recorded in spite of it"


class TestFirstUse:
    def test_shows_checks_and_records_for_this_user_alone(self, run, held, pin_file, commit, caplog):
        before = PIN_FILE.read_bytes()
        assert run("fetch") == 0
        assert held.read_bytes() == CONTENT
        assert read_pin(pin_file, USERS) == USERS_PIN
        for words in (
            f"first use of made-with-clay/Clay/v1.5/clay-v1.5.ckpt, revision {COMMIT}",
            f"{len(CONTENT)} bytes, sha256 {SHA256}, as the hub says",
            "it holds the encoder",
            "configs/metadata.yaml of the same revision agrees with model/sensor.py",
            f"pinned for this user in {pin_file}; no other file is accepted from now on:",
            f"revision  {COMMIT}\n    sha256    {SHA256}\n",
            "run `make pin`, and commit model/checkpoint.json",
        ):
            assert words in caplog.text
        assert "HTTP Request" not in caplog.text, "what is to be read is buried"
        assert PIN_FILE.read_bytes() == before
        assert read_pin(commit(UNPINNED)) == UNPINNED
        assert [path.name for path in held.parent.iterdir()] == ["clay-v1.5.ckpt"]

    def test_the_second_use_needs_no_hub_and_looks_only_at_the_digest(self, hub, run, held):
        assert run("fetch") == 0
        asked = len(hub.paths)
        assert run("fetch", endpoint=NOBODY) == 0
        held.write_bytes(CONTENT[::-1])
        assert run("fetch", endpoint=NOBODY) == 1
        assert not held.exists()
        assert len(hub.paths) == asked

    def test_a_broken_one_goes_on_where_it_ended(self, hub, run, held, pin_file):
        hub.refuse = 503
        part = held.with_name("clay-v1.5.ckpt.part")
        part.parent.mkdir(parents=True)
        part.write_bytes(CONTENT[:200_000])
        refused(run, pin_file)
        hub.refuse = None
        assert run("fetch") == 0
        assert hub.ranges[-1] == "bytes=200000-"
        assert read_pin(pin_file, USERS) == USERS_PIN

    def test_a_hub_out_of_reach_says_what_to_do(self, run, caplog):
        assert run("fetch", endpoint=NOBODY) == 1
        assert "Is there internet?" in caplog.text
        assert "HF_ENDPOINT" in caplog.text

    def test_a_known_digest_is_recognised_and_another_is_said(self, run, caplog, monkeypatch, pin_file):
        assert run("fetch") == 0
        assert "public projects note another sha256" in caplog.text
        pin_file.unlink()
        monkeypatch.setattr("model.fetch.REPORTED", {UNPINNED.file_of: SHA256})
        assert run("fetch") == 0
        assert "public projects note the same sha256" in caplog.text


class TestWhatIsNeverRecorded:
    @pytest.mark.parametrize("off", [-1, 1])
    def test_another_size_than_the_hub_says(self, hub, run, held, pin_file, off):
        hub.size = len(CONTENT) + off
        refused(run, pin_file)
        assert not held.exists()

    def test_a_held_file_of_another_size(self, run, held, pin_file, caplog):
        held.parent.mkdir(parents=True)
        held.write_bytes(CONTENT[:-1])
        refused(run, pin_file)
        assert f"had {len(CONTENT) - 1} bytes, but the hub says {len(CONTENT)}" in caplog.text
        assert run("fetch") == 0

    def test_another_digest_than_the_hub_says(self, hub, run, held, pin_file, caplog):
        hub.digest = "0" * 64
        refused(run, pin_file)
        assert f"had sha256 {SHA256}, but the hub says {'0' * 64}; it was removed" in caplog.text
        assert not held.exists()

    @pytest.mark.parametrize("digest", ["", "1" * 40], ids=["none", "of another kind"])
    def test_a_hub_without_a_digest_is_said(self, hub, run, pin_file, caplog, digest):
        hub.digest = digest
        assert run("fetch") == 0
        assert f"sha256 {SHA256}, of which the hub says nothing" in caplog.text
        assert read_pin(pin_file, USERS) == USERS_PIN

    @pytest.mark.parametrize(
        ("weights", "words"),
        [
            ({"cls_token": None}, "cls_token is missing"),
            ({"cls_token": torch.zeros(1, 1, 7)}, "cls_token is [1, 1, 7], not [1, 1, 64]"),
            ({"more": torch.zeros(1)}, "more is unknown"),
            ({"transformer.norm.bias": torch.full((64,), torch.nan)}, "not finite"),
        ],
    )
    def test_other_weights(self, hub, run, held, pin_file, caplog, weights, words):
        content = published()
        for name, weight in weights.items():
            content["state_dict"].pop(UPSTREAM_PREFIX + name, None)
            if weight is not None:
                content["state_dict"][UPSTREAM_PREFIX + name] = weight
        hub.content = saved(content)
        refused(run, pin_file)
        assert words in caplog.text
        assert held.exists(), "it is what the hub has: fetching again would not help"
        hub.digest = ""
        refused(run, pin_file)
        assert not held.exists(), "nobody says that it came unaltered"

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"model_size": "base"}, "model_size is 'base', not 'large'"),
            ({"patch_size": 16}, "patch_size is 16, not 8"),
        ],
    )
    def test_a_model_that_calls_itself_another(self, hub, run, pin_file, caplog, said, words):
        content = published()
        content["hyper_parameters"] |= said
        hub.content = saved(content)
        refused(run, pin_file)
        assert words in caplog.text

    def test_other_metadata(self, hub, run, pin_file, caplog):
        hub.beside["configs/metadata.yaml"] = metadata.text(gsd=20)
        refused(run, pin_file)
        assert (
            "configs/metadata.yaml differs from model/sensor.py for sentinel-2-l2a: gsd is 20, not 10.0" in caplog.text
        )
        hub.beside["configs/metadata.yaml"] = metadata.text()
        bodies = len(hub.ranges)
        assert run("fetch") == 0
        assert len(hub.ranges) == bodies, "the file was held"

    def test_metadata_that_are_no_small_text(self, hub, run, pin_file, caplog):
        hub.beside["configs/metadata.yaml"] = b"#" * 1_000_001
        refused(run, pin_file)
        assert "1000001 bytes; a text of at most 1000000 is expected" in caplog.text

    def test_a_page_that_is_no_checkpoint(self, hub, run, pin_file, caplog):
        hub.content = b"<html>sign in</html>"
        refused(run, pin_file)
        assert "cannot be read as a checkpoint of tensors alone" in caplog.text


class TestMetadata:
    def test_what_is_not_published_is_said_in_one_line(self, hub, run, pin_file, caplog):
        hub.beside.clear()
        assert run("fetch") == 0
        said = [record.getMessage() for record in caplog.records if "were not compared" in record.getMessage()]
        assert len(said) == 1
        assert "fetch --metadata FILE" in said[0]
        assert pin_file.exists()

    def test_a_checkpoint_that_says_nothing_of_itself(self, hub, run, caplog):
        content = published()
        del content["hyper_parameters"]
        hub.content = saved(content)
        assert run("fetch") == 0
        assert "configs/metadata.yaml of the same revision agrees" in caplog.text

    def test_a_hub_that_says_no_size_of_a_text(self, hub, run, pin_file, caplog):
        hub.sizeless = True
        hub.beside["configs/metadata.yaml"] = metadata.text(gsd=20) + b"#" * 1_000_001
        refused(run, pin_file)
        assert "a text of at most 1000000 is expected" in caplog.text
        hub.beside["configs/metadata.yaml"] = metadata.text()
        assert run("fetch") == 0
        assert "configs/metadata.yaml of the same revision agrees" in caplog.text

    def test_a_hub_that_fails_is_no_hub_without(self, hub, run, pin_file, caplog):
        hub.broken.add("configs/metadata.yaml")
        refused(run, pin_file)
        assert "answered 503" in caplog.text
        assert "were not compared" not in caplog.text

    def test_beside_the_checkpoint(self, hub, run, caplog):
        hub.beside = {"v1.5/metadata.yaml": metadata.text()}
        assert run("fetch") == 0
        assert "v1.5/metadata.yaml of the same revision agrees" in caplog.text

    def test_ones_own_file(self, run, pin_file, tmp_path, caplog):
        own = tmp_path / "metadata.yaml"
        own.write_bytes(metadata.text(gsd=20))
        assert run("fetch", "--metadata", str(own)) == 1
        assert not pin_file.exists()
        assert "gsd is 20" in caplog.text
        own.write_bytes(metadata.text())
        assert run("fetch", "--metadata", str(own)) == 0
        assert f"{own} agrees with model/sensor.py" in caplog.text


class TestAfterwards:
    def test_another_file_at_the_same_revision_is_refused(self, hub, run, held, pin_file, caplog):
        assert run("fetch") == 0
        held.unlink()
        other = published()
        other["epoch"] = 4
        hub.content = saved(other)
        assert run("fetch") == 1
        assert f"{SHA256} is pinned; it was removed" in caplog.text
        assert read_pin(pin_file, USERS) == USERS_PIN

    def test_a_hub_that_has_moved_on_is_not_followed(self, hub, run, held, pin_file, caplog):
        assert run("fetch") == 0
        hub.commit = OTHER_COMMIT
        assert run("fetch") == 0
        held.unlink()
        assert run("fetch") == 1
        assert (
            f"answered 404 for v1.5/clay-v1.5.ckpt of made-with-clay/Clay ({hub.url}/made-with-clay/Clay/resolve/{COMMIT}"
            in caplog.text
        )
        assert read_pin(pin_file, USERS) == USERS_PIN

    def test_the_pin_goes_into_the_checkout_when_asked(self, run, commit, caplog):
        checkout = commit(UNPINNED)
        assert run("fetch", "--record") == 0
        assert read_pin(checkout) == replace(USERS_PIN, by=COMMITTED)
        assert set(json.loads(checkout.read_text())) == {"repo", "file", "revision", "sha256"}
        assert f"pinned in {checkout}: sha256 {SHA256}" in caplog.text
        assert "ignored" not in caplog.text
        stamp = checkout.stat().st_mtime_ns
        assert run("fetch", "--record", endpoint=NOBODY) == 0
        assert checkout.stat().st_mtime_ns == stamp, "a pin is never replaced"
        assert f"{checkout} pins it already" in caplog.text

    def test_a_pin_counts_as_committed_once_git_has_it(self, run, commit, caplog):
        checkout = commit(replace(USERS_PIN, by=COMMITTED))

        def git(*words: str) -> None:
            who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
            subprocess.run(["git", *who, *words], cwd=checkout.parent, check=True, capture_output=True)

        assert is_committed(checkout), "nobody to ask"
        git("init")
        assert not is_committed(checkout)
        assert run("fetch") == 0
        assert f"{checkout} is changed and not committed yet" in caplog.text
        git("add", checkout.name)
        git("commit", "-m", "pin")
        assert is_committed(checkout)
        checkout.write_text(checkout.read_text() + "\n")
        assert not is_committed(checkout)

    def test_a_mangled_users_pin_does_not_matter_where_one_is_committed(self, folder, pin_file, caplog):
        committed = replace(USERS_PIN, by=COMMITTED)
        pin_file.parent.mkdir(parents=True, exist_ok=True)
        pin_file.write_text("{")
        assert trusted_pin(committed, folder) == committed
        assert f"{pin_file} is ignored" in caplog.text

    def test_a_committed_pin_counts_and_the_users_is_ignored(self, hub, run, commit, folder, pin_file, caplog):
        record = saved(published() | {"epoch": 4})
        assert run("fetch") == 0
        committed = replace(UNPINNED, revision=OTHER_COMMIT, sha256=hashlib.sha256(record).hexdigest())
        commit(committed)
        hub.commit, hub.content = OTHER_COMMIT, record
        assert run("fetch", "--record") == 0
        assert (folder / OTHER_COMMIT / "clay-v1.5.ckpt").read_bytes() == record
        assert f"{pin_file} is ignored: it pins sha256 {SHA256}" in caplog.text
        assert read_pin(pin_file, USERS) == USERS_PIN
        assert trusted_pin(committed, folder) == committed

    def test_a_committed_pin_needs_no_first_use(self, run, commit, pin_file, caplog):
        commit(replace(USERS_PIN, by=COMMITTED))
        assert run("fetch") == 0
        assert "first use" not in caplog.text
        assert not pin_file.exists()

    def test_a_pin_of_another_file_is_refused(self, run, commit, pin_file, caplog):
        assert run("fetch") == 0
        commit(replace(UNPINNED, repo="somebody/Else"))
        assert run("fetch") == 1
        assert f"{pin_file} pins made-with-clay/Clay/v1.5/clay-v1.5.ckpt" in caplog.text
        assert "names somebody/Else/v1.5/clay-v1.5.ckpt; remove the former" in caplog.text

    @pytest.mark.parametrize("text", ["", "{}", '{"by": "committed"}', "[1]"])
    def test_a_mangled_pin_is_refused(self, folder, pin_file, text):
        pin_file.parent.mkdir(parents=True)
        pin_file.write_text(text)
        with pytest.raises(FetchError, match="remove it to begin with a first use again"):
            trusted_pin(UNPINNED, folder)


@pytest.mark.slow
class TestBuild:
    COMMAND = ("build", "--name", "clay-v1.5", "--arch", "cuda")

    def source(self, folder: Path) -> dict[str, object]:
        return json.loads((folder / "model.json").read_text())["source"]

    def test_a_first_build_does_it_all_and_the_next_finds_it(self, run, held, commit, capsys, tmp_path):
        assert run(*self.COMMAND) == 0
        mine = Path(capsys.readouterr().out.strip())
        assert self.source(mine) == {
            "checkpoint": "made-with-clay/Clay/v1.5/clay-v1.5.ckpt",
            "revision": COMMIT,
            "sha256": SHA256,
            "pin": "user",
        }
        held.rename(tmp_path / "aside")
        assert run(*self.COMMAND, endpoint=NOBODY) == 0
        assert Path(capsys.readouterr().out.strip()) == mine
        (tmp_path / "aside").rename(held)
        commit(replace(USERS_PIN, by=COMMITTED))
        assert run(*self.COMMAND, endpoint=NOBODY) == 0
        everybodys = Path(capsys.readouterr().out.strip())
        assert everybodys != mine, "an artefact says whose pin it was built under"
        assert self.source(everybodys) == self.source(mine) | {"pin": "committed"}

    def test_a_folder_of_ones_own_begins_with_a_first_use_too(self, run, pin_file, tmp_path):
        assert run(*self.COMMAND, "--out", str(tmp_path / "out")) == 0
        assert self.source(tmp_path / "out/clay-v1.5")["pin"] == "user"
        assert pin_file.exists()

    def test_a_pin_changes_no_other_encoder(self, run, commit, pin_file, capsys):
        command = ("build", "--name", "demo-random", "--arch", "cuda")
        assert run(*command) == 0
        first = capsys.readouterr().out
        commit(replace(USERS_PIN, by=COMMITTED))
        assert run(*command) == 0
        assert capsys.readouterr().out == first
        assert not pin_file.exists()

    def test_a_bad_checkpoint_leaves_no_artefact(self, hub, run, pin_file, tmp_path):
        hub.content = saved(published() | {"state_dict": {}})
        assert run(*self.COMMAND) == 1
        assert not pin_file.exists()
        assert not list(tmp_path.rglob("model.json"))

    def test_without_arch_it_says_what_it_chose(self, run, caplog, monkeypatch):
        monkeypatch.setattr("model.__main__.named_arch", lambda asked: asked or "cpu")
        assert run("build", "--name", "demo-random") == 0
        said = [record.getMessage() for record in caplog.records if "no ARCH given" in record.getMessage()]
        assert said == ["no ARCH given: building for this machine's kind, cpu; ARCH=cpu|cuda|mps"]
        assert run("build", "--name", "demo-random", "--arch", "cpu") == 0
        assert "no ARCH given" not in caplog.text
