"""Read the encoder out of a checkpoint as Clay publishes it.

That is a Lightning checkpoint: `state_dict` holds encoder, decoder and the DINOv2 teacher, beside optimiser state and
hyper-parameters. Only `model.encoder.*` is read, and the hyper-parameters that describe it.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.architecture import UPSTREAM_PREFIX, Encoder
from model.errors import CheckpointError


def read_encoder_state(path: Path, encoder: Encoder) -> dict[str, Tensor]:
    """Read an encoder's weights, and refuse all that is not exactly them.

    The file is mapped, not loaded, and never unpickled beyond tensors and plain containers (`weights_only`).

    Args:
        path: A `.ckpt`.
        encoder: Whose names and shapes it must have; its own weights are not touched.

    Returns:
        float32 weights by name, without the prefix `model.encoder.`.

    Raises:
        CheckpointError: Not such a file, or a weight is missing, unknown, of another shape or type, or not finite; all
            of them are named.
    """
    held = _state_dict(path)
    state = {name.removeprefix(UPSTREAM_PREFIX): held[name] for name in held if name.startswith(UPSTREAM_PREFIX)}
    wanted = {name: weight.shape for name, weight in encoder.state_dict().items()}
    wrong = [f"{name} is missing" for name in wanted if name not in state]
    wrong += [f"{name} is unknown" for name in state if name not in wanted]
    for name, weight in state.items():
        if name in wanted and weight.shape != wanted[name]:
            wrong.append(f"{name} is {list(weight.shape)}, not {list(wanted[name])}")
        elif not weight.is_floating_point():
            wrong.append(f"{name} holds {weight.dtype}, not floating-point numbers")
        elif not bool(torch.isfinite(weight).all()):
            wrong.append(f"{name} holds numbers that are not finite")
    if wrong:
        raise CheckpointError(f"{path} does not hold the encoder that is wanted: {'; '.join(wrong)}")
    return {name: state[name].to(torch.float32) for name in wanted}


def read_hyper_parameters(path: Path) -> Mapping[str, Any]:
    """A checkpoint's hyper-parameters, where it has some: size, name of the metadata that it was trained with.

    Raises:
        CheckpointError: Not such a file.
    """
    stated = _read(path).get("hyper_parameters")
    return stated if isinstance(stated, dict) else {}


def _state_dict(path: Path) -> dict[str, Tensor]:
    held = _read(path).get("state_dict")
    if not isinstance(held, dict) or not all(isinstance(weight, Tensor) for weight in held.values()):
        raise CheckpointError(f"{path} has no state_dict of tensors; Clay's checkpoints have one")
    return held


def _read(path: Path) -> dict[str, Any]:
    try:
        whole = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; fetch it with `python -m model fetch`") from None
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise CheckpointError(f"{path} cannot be read as a checkpoint of tensors alone: {first}") from error
    return whole if isinstance(whole, dict) else {}
