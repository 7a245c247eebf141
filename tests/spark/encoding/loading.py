"""Loading encoders in tests, whole ones and spoilt ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.format import Description, Offer, Source
from spark.encoding import load_encoder
from spark.encoding.artefact import Artefact
from spark.encoding.network import Network
from spark.encoding.runner import NetworkEncoder

WHEN = datetime(2024, 6, 1, 11, 20, tzinfo=UTC)


def load(folder: Path, convention: str = "tutorial", precision: str = "fp32", **how: Any) -> NetworkEncoder:
    """On the CPU, in batches of 4; fp32 by its program, not by what is fastest just now."""
    how = {"batch": 4, "path": "pt2" if precision == "fp32" else "auto", **how}
    return load_encoder(folder, convention=convention, precision=precision, device="cpu", **how)


def redescribe(folder: Path, **changes: object) -> None:
    """Change the description, and make its digests true again."""
    path = folder / "model.json"
    described = json.loads(path.read_text()) | changes
    for name in described["sha256"]:
        if (folder / name).exists():
            described["sha256"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(described))


def chips(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(1, 9000, (count, 10, 256, 256), dtype=np.uint16)


def places(count: int) -> np.ndarray:
    return np.column_stack((np.linspace(-170, 170, count), np.linspace(-55, 80, count)))


def encoder_of(
    program: Callable[..., torch.Tensor], batch: int = 6, bands: tuple[str, ...] = ("a",), chip_px: int = 2
) -> NetworkEncoder:
    """An encoder whose network is a function, which gets DN as float32 and gives 3 components."""
    described = Description(
        name="function",
        model_version="function",
        weights_digest="",
        arch="cpu",
        architecture={},
        torch=torch.__version__,
        sensor="none",
        bands=bands,
        means=(),
        stds=(),
        wavelengths_um=(),
        gsd_m=10.0,
        chip_px=chip_px,
        max_batch=6,
        dim=3,
        conventions=("blank",),
        default_convention="blank",
        precisions={"fp32": Offer(program="none", form="plain", max_error=None, min_cosine=0.9)},
        sha256={},
        source=Source(),
        note="",
    )
    artefact = Artefact(folder=Path(), described=described)
    network = Network.of(program, "function")
    return NetworkEncoder(network, artefact, convention="blank", precision="fp32", device="cpu", batch=batch)


def numbered(count: int) -> np.ndarray:
    """Chips that hold their number, from 1."""
    return np.broadcast_to(np.arange(1, count + 1, dtype=np.uint16)[:, None, None, None], (count, 1, 2, 2))


def repeat_first_pixel(dn: torch.Tensor, time: torch.Tensor, latlon: torch.Tensor) -> torch.Tensor:
    return dn[:, 0, 0, :1].repeat(1, 3)
