"""Sizes of the encoder, as one frozen value per name."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from model.errors import ShapeError, UnknownNameError
from model.lean import METADATA_DIMS

CHIP_PX = 256
"""Side of a chip in pixels."""


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """What fixes the shapes of every weight.

    Attributes:
        dim: Width of a token.
        depth: Number of transformer blocks.
        heads: Attention heads per block.
        dim_head: Width of a head; heads * dim_head need not equal dim.
        mlp_ratio: Hidden width of a block's MLP over dim.
        patch: Side of a square patch in pixels.
        out_dim: Length of the vector; where it differs from dim, a fixed head lifts the class token to it.
        wave_dim: Width of a wavelength's encoding.
        wave_tokens: Learnt tokens that wavelengths attend to while the patch kernel is made.
        wave_heads: Attention heads of that step.
    """

    dim: int
    depth: int
    heads: int
    dim_head: int
    mlp_ratio: float
    out_dim: int
    patch: int = 8
    wave_dim: int = 128
    wave_tokens: int = 128
    wave_heads: int = 4

    def __post_init__(self) -> None:
        """Refuse sizes for which the encodings are undefined.

        Raises:
            ShapeError: Token width without room for sin/cos of two axes, or an odd wavelength width.
        """
        position_dims = self.dim - METADATA_DIMS
        if position_dims < 2 * 4 or position_dims % 4:
            raise ShapeError(f"dim {self.dim}: without {METADATA_DIMS} it must be a multiple of 4, and at least 8")
        if self.wave_dim % 2 or self.wave_dim % self.wave_heads:
            raise ShapeError(f"wave_dim {self.wave_dim} must be even and a multiple of wave_heads {self.wave_heads}")
        if self.out_dim < self.dim:
            raise ShapeError(f"out_dim {self.out_dim} is below dim {self.dim}: the head only lifts")


def _clay(dim: int, depth: int, heads: int, dim_head: int, mlp_ratio: float) -> EncoderConfig:
    return EncoderConfig(dim=dim, depth=depth, heads=heads, dim_head=dim_head, mlp_ratio=mlp_ratio, out_dim=dim)


SIZES: Mapping[str, EncoderConfig] = MappingProxyType(
    {
        "demo": EncoderConfig(dim=192, depth=2, heads=4, dim_head=48, mlp_ratio=2, out_dim=1024),
        "tiny": _clay(192, 6, 4, 48, 2),
        "small": _clay(384, 6, 6, 64, 2),
        "base": _clay(768, 12, 12, 64, 4),
        "large": _clay(1024, 24, 16, 64, 4),
    },
)
"""Clay v1.5's published sizes (large is the released one), and a small one for demonstrations."""


def named_config(name: str) -> EncoderConfig:
    """Look a size up.

    Raises:
        UnknownNameError: No such size.
    """
    try:
        return SIZES[name]
    except KeyError:
        raise UnknownNameError("size", name, tuple(SIZES)) from None
