"""The published encoder, loaded from the `claymodel` distribution as it lies in `.venv/oracle`.

As installed, claymodel 1.5.0 cannot be imported: its modules lie at top level (one is named `model`) and import each
other as package `src`. Here that package is made of the folder, and all else that the import changes in this process is
put back. Two libraries that only training needs are replaced by empty modules meanwhile.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from model.config import EncoderConfig
from model.errors import ModelError
from model.sensor import Sensor

FOLDER = Path(__file__).parents[2] / ".venv" / "oracle"
UNUSED = ("timm", "torchvision", "torchvision.transforms", "torchvision.transforms.v2")
"""What upstream's module imports at top level for its teacher and its augmentation."""


def upstream_encoder(config: EncoderConfig, folder: Path = FOLDER) -> nn.Module:
    """Make the published encoder, for embedding: nothing masked, nothing shuffled.

    Raises:
        ModelError: claymodel is not there.
    """
    if not (folder / "model.py").exists():
        raise ModelError(f"{folder} holds no claymodel; `make setup` installs it")
    made: nn.Module = _upstream_module(folder).Encoder(
        mask_ratio=0.0,
        patch_size=config.patch,
        shuffle=False,
        dim=config.dim,
        depth=config.depth,
        heads=config.heads,
        dim_head=config.dim_head,
        mlp_ratio=config.mlp_ratio,
    )
    return made.eval().requires_grad_(requires_grad=False)


class UpstreamVectors(nn.Module):
    """The published encoder, called as ours is: DN in, class tokens out."""

    mean: Tensor
    std: Tensor
    waves: Tensor
    gsd: Tensor

    def __init__(self, encoder: nn.Module, sensor: Sensor) -> None:
        """Keep the sensor's facts beside the encoder."""
        super().__init__()
        self.encoder = encoder
        self.register_buffer("mean", torch.tensor(sensor.means).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(sensor.stds).view(-1, 1, 1))
        self.register_buffer("waves", torch.tensor(sensor.wavelengths_um))
        self.register_buffer("gsd", torch.tensor([sensor.gsd_m]))

    def forward(self, dn: Tensor, time: Tensor, latlon: Tensor) -> Tensor:
        """Embed as Clay's tutorials do; see `model.program.Vectors`."""
        pixels = (dn - self.mean) / self.std
        cube = {"pixels": pixels, "time": time, "latlon": latlon, "gsd": self.gsd, "waves": self.waves}
        tokens: Tensor = self.encoder(cube)[0]
        return tokens[:, 0].float()


def _upstream_module(folder: Path) -> Any:
    """Import `folder/model.py` as `src.model`, and put back what that changes.

    The package itself stays: torch.compile looks the modules of traced code up by name.
    """
    precision, environment = torch.get_float32_matmul_precision(), dict(os.environ)
    if "src" not in sys.modules:
        package = ModuleType("src")
        package.__path__ = [str(folder)]
        package.__spec__ = ModuleSpec("src", None, is_package=True)
        sys.modules["src"] = package
    try:
        with _empty_modules(UNUSED):
            return importlib.import_module("src.model")
    finally:
        torch.set_float32_matmul_precision(precision)
        os.environ.clear()
        os.environ.update(environment)


@contextmanager
def _empty_modules(names: tuple[str, ...]) -> Iterator[None]:
    """Stand in for modules, parents before children, for as long as the context lasts."""
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    for name in names:
        empty = ModuleType(name)
        empty.__path__ = []
        sys.modules[name] = empty
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, empty)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(before)
