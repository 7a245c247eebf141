import numpy as np
import torch

from model.architecture import Encoder
from model.clay import Clay, bare_encoder
from model.config import named_config
from model.patches import PatchEmbedding
from model.recipes import DEFAULT_SEED
from model.sensor import SENTINEL_2
from model.weights import seeded_state, weights_digest

# Harmonised DN of typical covers, in Clay's order of bands.
COVERS = {
    "water": (400, 350, 250, 220, 200, 190, 180, 170, 100, 80),
    "forest": (250, 450, 300, 800, 2200, 2700, 2900, 3000, 1500, 700),
    "crop": (450, 800, 600, 1300, 2900, 3500, 3700, 3800, 2200, 1200),
    "bare": (900, 1300, 1800, 2100, 2300, 2500, 2700, 2800, 3400, 3000),
    "town": (1200, 1400, 1600, 1700, 1900, 2000, 2100, 2200, 2300, 2100),
    "snow": (8500, 8500, 8300, 8200, 8000, 7800, 7600, 7300, 1000, 800),
    "burn": (400, 500, 600, 700, 800, 900, 1000, 1100, 2200, 2200),
}


def paint(cover: str, count: int = 3) -> torch.Tensor:
    rng = np.random.default_rng(sum(map(ord, cover)))
    texture = rng.normal(0, 0.1, (count, 1, 64, 64)).repeat(4, 2).repeat(4, 3) + rng.normal(
        0, 0.03, (count, 10, 256, 256)
    )
    return torch.from_numpy(np.array(COVERS[cover])[None, :, None, None] * (1 + texture)).float()


def test_a_seed_names_the_same_weights_on_every_machine(encoder: Encoder):
    digest = weights_digest(encoder.state_dict())
    assert digest[:12] == "cf38dd7b5c0e"
    assert weights_digest(seeded_state(encoder, DEFAULT_SEED)) == digest
    assert weights_digest(seeded_state(encoder, DEFAULT_SEED + 1)) != digest


def test_digest_sees_names_shapes_and_values_but_not_order():
    state = {"a": torch.arange(6.0), "b": torch.zeros(2)}
    digest = weights_digest(state)
    assert weights_digest(dict(reversed(state.items()))) == digest
    assert weights_digest(state | {"a": torch.arange(6.0).reshape(2, 3)}) != digest
    assert weights_digest(state | {"b": torch.tensor([0.0, 1e-30])}) != digest
    assert weights_digest({"c": state["a"], "b": state["b"]}) != digest


def test_head_keeps_lengths_and_angles(encoder: Encoder):
    weight = encoder.head.weight.double()
    assert torch.equal(weight.T @ weight, torch.eye(192, dtype=torch.float64))


def test_bands_far_apart_get_unrelated_kernels(encoder: Encoder):
    embedding: PatchEmbedding = encoder.patch_embedding
    kernel, _ = embedding.kernel(torch.tensor(SENTINEL_2.wavelengths_um))
    alike = torch.corrcoef(kernel.view(10, -1))
    blue, red, nir, nir08, swir = (SENTINEL_2.names.index(name) for name in ("blue", "red", "nir", "nir08", "swir22"))
    assert alike[nir, nir08] > 0.8
    assert max(alike[blue, nir], alike[red, nir], alike[nir, swir]) < 0.4


def test_covers_look_different_and_the_same_cover_alike(encoder: Encoder):
    clay = Clay(bare_encoder(encoder.config), encoder.state_dict(), SENTINEL_2, source={}, note="")
    program = clay.module("fp32")
    metadata = torch.tensor([[0.5, 0.86, 0.26, -0.96]]).expand(3, -1)
    vectors = torch.cat([program(paint(cover), metadata, metadata) for cover in COVERS])
    unit = torch.nn.functional.normalize(vectors, dim=1)
    cosine = unit @ unit.T
    cover = torch.arange(len(COVERS)).repeat_interleave(3)
    same = cover[:, None] == cover[None, :]
    assert cosine[same].min() > 0.97
    assert cosine[~same].max() < 0.96
    assert cosine[~same].median() < 0.5
    spread = torch.linalg.svdvals(vectors - vectors.mean(0)) ** 2
    assert spread[0] / spread.sum() < 0.8, "a picture of three components needs more than one"
    assert spread[2] / spread.sum() > 0.02


def test_demo_is_small():
    with torch.device("meta"):
        assert sum(weight.numel() for weight in Encoder(named_config("demo")).parameters()) < 4_000_000
