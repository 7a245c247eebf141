"""The encoder as executors run it: one sensor folded in, raw DN in, vectors out.

This module stands alone (torch and the standard library), because it is shipped to executors without the rest of the
package: they run it where an exported program cannot be loaded. Its state holds what is left of Clay's weights once
bands, wavelengths and ground sampling distance are fixed:

    kernel                    [C * patch * patch, dim]  patch projection of DN: normalisation and kernel in one
    grid                      [L, dim]                  positions, and every bias of the patch projection
    cls_token                 [1, 1, dim]
    blocks.<i>.norm_attention.{weight,bias}, blocks.<i>.qkv.weight, blocks.<i>.out.weight
    blocks.<i>.norm_mlp.{weight,bias}, blocks.<i>.{widen,narrow}.{weight,bias}
    norm.{weight,bias}
    head.weight               [out_dim, dim]            only where the vector is longer than a token

Precision: matrix products and attention of the blocks run in the chosen precision. The patch projection, the sum
that runs through the blocks (residual stream), every norm and the head stay in fp32: they are 1 % of the work and most
of the error.

Form: `plain` uses torch's ordinary operators, and runs anywhere. `onednn` is for CPUs: oneDNN's matrix products with
GELU inside (called by an operator that torch keeps to itself: `model.processor` tries it before it is used), and
attention head by head, whose scores then stay in the cache.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's usual name for it

PRECISIONS: Mapping[str, torch.dtype] = MappingProxyType(
    {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
)
"""Names of precisions, and the type of the blocks' weights and activations in each."""

FORMS = ("plain", "onednn")
"""Which operators compute the blocks; the vectors are the same."""

METADATA_DIMS = 8
"""Trailing token dimensions that carry time (4) and latlon (4)."""


class LeanError(ValueError):
    """A lean encoder cannot be made from what was given."""


@dataclass(frozen=True, kw_only=True)
class LeanConfig:
    """What fixes the shapes of every weight.

    Attributes:
        dim: Width of a token.
        depth: Number of blocks.
        heads: Attention heads per block.
        dim_head: Width of a head.
        mlp_ratio: Hidden width of a block's perceptron over dim.
        out_dim: Length of the vector.
        patch: Side of a square patch in pixels.
        bands: Number of bands of a chip.
        chip_px: Side of a chip in pixels, a multiple of patch.
    """

    dim: int
    depth: int
    heads: int
    dim_head: int
    mlp_ratio: float
    out_dim: int
    patch: int
    bands: int
    chip_px: int

    @classmethod
    def of_architecture(cls, architecture: Mapping[str, object], *, bands: int, chip_px: int) -> Self:
        """Read it from an artefact's description.

        Args:
            architecture: Sizes by name.
            bands: Number of bands of a chip.
            chip_px: Side of a chip in pixels.

        Raises:
            LeanError: A size is missing, or is no number.
        """

        def size(name: str) -> float:
            value = architecture.get(name)
            if not isinstance(value, int | float):
                raise LeanError(f"the model's description lacks {name!r}, without which its shapes are unknown")
            return value

        return cls(
            dim=int(size("dim")),
            depth=int(size("depth")),
            heads=int(size("heads")),
            dim_head=int(size("dim_head")),
            mlp_ratio=size("mlp_ratio"),
            out_dim=int(size("out_dim")),
            patch=int(size("patch")),
            bands=bands,
            chip_px=chip_px,
        )

    @property
    def patches(self) -> int:
        """Patches of a chip, L."""
        return (self.chip_px // self.patch) ** 2


class LeanBlock(nn.Module):
    """One pre-norm block: attention, then a two-layer perceptron, each added to its input."""

    def __init__(self, config: LeanConfig, dtype: torch.dtype, form: str) -> None:
        """Make the layers; `dtype` is that of the matrix products, `form` one of `FORMS`."""
        super().__init__()
        inner, hidden = config.heads * config.dim_head, int(config.dim * config.mlp_ratio)
        self.heads = config.heads
        self.dtype = dtype
        self.onednn = form == "onednn"
        self.norm_attention = nn.LayerNorm(config.dim)
        self.qkv = nn.Linear(config.dim, 3 * inner, bias=False, dtype=dtype)
        self.out = nn.Linear(inner, config.dim, bias=False, dtype=dtype)
        self.norm_mlp = nn.LayerNorm(config.dim)
        self.widen = nn.Linear(config.dim, hidden, dtype=dtype)
        self.narrow = nn.Linear(hidden, config.dim, dtype=dtype)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `[B, L, dim]` float32 to the same."""
        normed = self.norm_attention(tokens).to(self.dtype)
        query, key, value = self._split(self._product(normed, self.qkv.weight), 3)
        return self._finish(tokens, query, key, value)

    def first_only(self, tokens: Tensor) -> Tensor:
        """Map `[B, L, dim]` to `[B, 1, dim]`: the first token attends to all; the others are computed no further."""
        normed = self.norm_attention(tokens).to(self.dtype)
        inner = self.out.in_features
        (query,) = self._split(self._product(normed[:, :1], self.qkv.weight[:inner]), 1)
        key, value = self._split(self._product(normed, self.qkv.weight[inner:]), 2)
        return self._finish(tokens[:, :1], query, key, value)

    def _split(self, joined: Tensor, parts: int) -> tuple[Tensor, ...]:
        """`[B, L, parts * inner]` to so many `[B, heads, L, dim_head]`."""
        batch, length, _ = joined.shape
        return joined.reshape(batch, length, parts, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)

    def _finish(self, tokens: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        tokens = tokens + self._product(self._attend(query, key, value), self.out.weight)
        normed = self.norm_mlp(tokens).to(self.dtype)
        hidden = self._product(normed, self.widen.weight, self.widen.bias, gelu=True)
        return tokens + self._product(hidden, self.narrow.weight, self.narrow.bias)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of `[B, heads, *, dim_head]`, heads side by side in `[B, queries, inner]`."""
        if not self.onednn or self.dtype is torch.float32:
            return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        query, key = query * query.shape[-1] ** -0.5, key.transpose(2, 3)
        heads = [
            torch.bmm(torch.bmm(query[:, head], key[:, head]).softmax(-1), value[:, head]) for head in range(self.heads)
        ]
        return torch.cat(heads, dim=-1)

    def _product(self, given: Tensor, weight: Tensor, bias: Tensor | None = None, *, gelu: bool = False) -> Tensor:
        """`given @ weight.T + bias`, and with `gelu` the exact GELU of that."""
        if self.onednn:
            after, kind = ("gelu", "none") if gelu else ("none", "")
            # The list is of no use to either; it must not be empty, or the program cannot be written.
            fused: Tensor = torch.ops.mkldnn._linear_pointwise(given, weight, bias, after, [-1], kind)  # noqa: SLF001
            return fused
        product = F.linear(given, weight, bias)
        return F.gelu(product) if gelu else product


class LeanEncoder(nn.Module):
    """Chips of one sensor to one vector each."""

    def __init__(self, config: LeanConfig, precision: str = "fp32", form: str = "plain") -> None:
        """Make the layers, not yet with meaningful weights.

        Args:
            config: Sizes.
            precision: One of `PRECISIONS`.
            form: One of `FORMS`.

        Raises:
            LeanError: No such precision or form.
        """
        super().__init__()
        for what, given, allowed in (("precision", precision, PRECISIONS), ("form", form, FORMS)):
            if given not in allowed:
                raise LeanError(f"unknown {what} {given!r}; use one of {', '.join(allowed)}")
        self.config = config
        self.precision = precision
        self.kernel = nn.Parameter(torch.zeros(config.bands * config.patch**2, config.dim))
        self.grid = nn.Parameter(torch.zeros(config.patches, config.dim))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.blocks = nn.ModuleList(LeanBlock(config, PRECISIONS[precision], form) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.dim)
        self.head = nn.Linear(config.dim, config.out_dim, bias=False) if config.out_dim != config.dim else None

    def forward(self, dn: Tensor, time: Tensor, latlon: Tensor) -> Tensor:
        """Embed chips.

        Args:
            dn: `[B, C, chip_px, chip_px]` float32 harmonised DN, 0 = nodata (an ordinary value to Clay).
            time: `[B, 4]` float32, sine and cosine of week and of hour.
            latlon: `[B, 4]` float32, sines and cosines of the place.

        Returns:
            `[B, out_dim]` float32, not of unit length.
        """
        tokens = torch.cat((self.cls_token.expand(dn.shape[0], -1, -1), self._patches(dn, time, latlon)), dim=1)
        *blocks, last = cast("Iterable[LeanBlock]", self.blocks)
        for block in blocks:
            tokens = block(tokens)
        vector: Tensor = self.norm(last.first_only(tokens)[:, 0])
        return vector if self.head is None else self.head(vector)

    def _patches(self, dn: Tensor, time: Tensor, latlon: Tensor) -> Tensor:
        """Project patches; `[B, L, dim]`, row by row, the last eight dimensions with time and place added."""
        bands, patch, side = self.config.bands, self.config.patch, self.config.chip_px // self.config.patch
        cut = dn.reshape(-1, bands, side, patch, side, patch).permute(0, 2, 4, 1, 3, 5)
        projected = cut.reshape(-1, side * side, bands * patch * patch) @ self.kernel
        context = F.pad(torch.cat((time, latlon), dim=1), (self.config.dim - METADATA_DIMS, 0))
        return projected + self.grid + context[:, None, :]


def load_lean(
    config: LeanConfig, state: Mapping[str, Tensor], precision: str = "fp32", form: str = "plain"
) -> LeanEncoder:
    """Make an encoder with these weights, ready to embed, on the weights' device.

    Args:
        config: Sizes.
        state: fp32 weights by the names above, no more and no fewer.
        precision: One of `PRECISIONS`; the weights it concerns are converted here.
        form: One of `FORMS`.

    Raises:
        LeanError: Weights are missing, unknown or of another shape, or there is no such precision.
    """
    with torch.device("meta"):
        encoder = LeanEncoder(config, precision, form)
    wanted = encoder.state_dict()
    wrong = [f"{name} is missing" for name in wanted if name not in state]
    wrong += [f"{name} is unknown" for name in state if name not in wanted]
    wrong += [
        f"{name} is {list(state[name].shape)}, not {list(weight.shape)}"
        for name, weight in wanted.items()
        if name in state and state[name].shape != weight.shape
    ]
    if wrong:
        raise LeanError(f"weights do not fit the architecture: {'; '.join(wrong)}")
    encoder.load_state_dict({name: state[name].to(weight.dtype) for name, weight in wanted.items()}, assign=True)
    return encoder.eval().requires_grad_(requires_grad=False)
