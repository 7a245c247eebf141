"""What is read of a checkpoint, and what is refused."""

import json
from pathlib import Path

import pytest
import torch

from model.__main__ import main
from model.architecture import UPSTREAM_PREFIX
from model.bench.upstream import upstream_encoder
from model.checkpoint import read_encoder_state
from model.clay import bare_encoder
from model.config import named_config
from model.errors import CheckpointError
from model.recipes import Ingredients, Recipe
from model.weights import seeded_state
from tests.model.checkpoints import published, saved
from tests.model.clays import MICRO, clay, needs_upstream


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "clay.ckpt"
    path.write_bytes(saved(published()))
    return path


def altered(tmp_path: Path, **weights: torch.Tensor | None) -> Path:
    """A checkpoint with some of the encoder's weights replaced, added, or (None) taken out."""
    content = published()
    for name, weight in weights.items():
        key = UPSTREAM_PREFIX + name
        content["state_dict"].pop(key, None)
        if weight is not None:
            content["state_dict"][key] = weight
    torch.save(content, tmp_path / "altered.ckpt")
    return tmp_path / "altered.ckpt"


def test_only_the_encoder_is_read(checkpoint: Path):
    state = read_encoder_state(checkpoint, bare_encoder(MICRO))
    wanted = seeded_state(bare_encoder(MICRO), 1, by_hand=False)
    assert state.keys() == wanted.keys()
    assert all(torch.equal(state[name], wanted[name]) for name in wanted)


@needs_upstream
@pytest.mark.parametrize("size", ["tiny", "small", "base"])
def test_the_published_encoder_has_exactly_these_names_and_shapes(size: str):
    ours = bare_encoder(named_config(size)).state_dict()
    theirs = upstream_encoder(named_config(size)).state_dict()
    assert {name: weight.shape for name, weight in ours.items()} == {
        name: weight.shape for name, weight in theirs.items()
    }


def test_every_wrong_weight_is_named(tmp_path: Path):
    path = altered(
        tmp_path,
        **{
            "cls_token": None,
            "transformer.norm.bias": torch.zeros(7),
            "transformer.layers.9.0.norm.bias": torch.zeros(64),
            "transformer.norm.weight": torch.ones(64, dtype=torch.int64),
            "patch_embedding.fclayer.l1.bias": torch.full((128,), torch.nan),
        },
    )
    with pytest.raises(CheckpointError) as caught:
        read_encoder_state(path, bare_encoder(MICRO))
    for part in (
        "cls_token is missing",
        "transformer.norm.bias is [7], not [64]",
        "transformer.layers.9.0.norm.bias is unknown",
        "transformer.norm.weight holds torch.int64",
        "patch_embedding.fclayer.l1.bias holds numbers that are not finite",
    ):
        assert part in str(caught.value)


def test_another_size_is_refused(checkpoint: Path):
    with pytest.raises(CheckpointError, match=r"cls_token is \[1, 1, 64\], not \[1, 1, 384\]"):
        read_encoder_state(checkpoint, bare_encoder(named_config("small")))


class Evil:
    def __reduce__(self):
        return print, ("code from a checkpoint ran",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"state_dict": {"a": Evil()}}, "tensors alone"),
        ({"weights": {}}, "no state_dict"),
        ({"state_dict": {"a": "b"}}, "no state_dict of tensors"),
        ([1, 2], "no state_dict"),
    ],
    ids=["code", "no state", "text", "list"],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, capsys, content: object, message: str):
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(CheckpointError, match=message):
        read_encoder_state(tmp_path / "x.ckpt", bare_encoder(MICRO))
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"], ids=["empty", "a web page"])
def test_broken_files_are_refused(tmp_path: Path, content: bytes):
    (tmp_path / "x.ckpt").write_bytes(content)
    with pytest.raises(CheckpointError, match="tensors alone"):
        read_encoder_state(tmp_path / "x.ckpt", bare_encoder(MICRO))
    with pytest.raises(CheckpointError, match="missing"):
        read_encoder_state(tmp_path / "none.ckpt", bare_encoder(MICRO))


def test_published_recipe_goes_the_same_way_as_the_random_one(checkpoint: Path, monkeypatch):
    monkeypatch.setattr("model.recipes.named_config", lambda _: MICRO)
    recipe = Recipe(size="micro", published=True, note="a test")
    made = recipe.make(Ingredients(checkpoint=checkpoint, source={"checkpoint": "clay.ckpt"}))
    assert made.weights_digest == clay().weights_digest
    assert made.source == {"checkpoint": "clay.ckpt"}
    assert all(torch.equal(made.weights()[name], weight) for name, weight in clay().weights().items())
    with pytest.raises(CheckpointError, match="fetch"):
        recipe.make(Ingredients())


def test_clay_builds_from_a_checkpoint(checkpoint: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("model.recipes.named_config", lambda _: MICRO)
    command = ["build", "--name", "clay-v1.5", "--arch", "cuda", "--out", str(tmp_path)]
    assert main([*command, "--checkpoint", str(checkpoint)]) == 0
    described = json.loads((tmp_path / "clay-v1.5" / "model.json").read_text())
    assert described["model_version"] == f"clay-v1.5+{clay().weights_digest[:12]}"
    assert described["source"] == {"checkpoint": "clay.ckpt", "revision": None, "sha256": None, "pin": None}
    assert list(described["precisions"]) == ["fp32", "bf16", "fp16"], "also where no GPU is"
    for about in described["precisions"].values():
        program = (tmp_path / "clay-v1.5" / about["program"]).read_bytes()
        assert b"_linear_pointwise" not in program, "that is for CPUs"
