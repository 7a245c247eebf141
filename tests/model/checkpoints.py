"""Checkpoints as Lightning writes them, made here: encoder, decoder and teacher, beside all else it keeps."""

import io
from typing import Any

import torch

from model.architecture import UPSTREAM_PREFIX
from model.clay import bare_encoder
from model.config import EncoderConfig
from model.weights import seeded_state
from tests.model.clays import MICRO


def published(config: EncoderConfig = MICRO) -> dict[str, Any]:
    """The content of a checkpoint of this size."""
    state = seeded_state(bare_encoder(config), 1, by_hand=False)
    return {
        "epoch": 3,
        "global_step": 7,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {
            **{UPSTREAM_PREFIX + name: weight for name, weight in state.items()},
            "model.decoder.mask_patch": torch.zeros(8),
            "model.teacher.blocks.0.norm1.weight": torch.ones(8),
            "model.proj.weight": torch.ones(8, 8),
        },
        "optimizer_states": [{"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"lr": 1e-4}]}],
        "hyper_parameters": {
            "model_size": "large",
            "mask_ratio": 0.75,
            "patch_size": 8,
            "norm_pix_loss": False,
            "metadata_path": "configs/metadata.yaml",
        },
    }


def saved(content: object) -> bytes:
    """The file's bytes."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()
