from pathlib import Path

import pytest
import torch

from model.__main__ import main
from model.architecture import Encoder
from model.config import named_config
from model.recipes import DEFAULT_SEED
from model.weights import seeded_state


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The demonstration encoder, eager."""
    torch.set_float32_matmul_precision("highest")
    made = Encoder(named_config("demo")).eval().requires_grad_(requires_grad=False)
    made.load_state_dict(seeded_state(made, DEFAULT_SEED), strict=True)
    return made


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefact with bf16 whatever the processor, built once by the command line."""
    out = tmp_path_factory.mktemp("model")
    asked = ["--name", "demo-random", "--arch", "cpu", "--precision", "bf16", "--out", str(out)]
    assert main(["build", *asked]) == 0
    return out / "demo-random"
