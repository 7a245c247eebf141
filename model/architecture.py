"""Clay v1.5's encoder.

Weights carry the names they have in Clay's checkpoints without the prefix `model.encoder.`:

    cls_token
    patch_embedding.fclayer.{l1,l2}.{weight,bias}
    patch_embedding.weight_generator.{weight_tokens,bias_token}
    patch_embedding.weight_generator.encoder.layers.0.*
    patch_embedding.weight_generator.{fc_weight,fc_bias}.{weight,bias}
    transformer.layers.<block>.0.{norm.weight,norm.bias,to_qkv.weight,to_out.weight}
    transformer.layers.<block>.1.net.{0,1,3}.{weight,bias}
    transformer.norm.{weight,bias}

so a converter strips the prefix and loads strictly. Only `head.weight`, of sizes whose vector is longer than their
tokens, is ours. Clay's encoder drops patches at random while training; for embeddings its mask ratio is 0, so masking
does not exist here.
"""

import torch
from torch import Tensor, nn

from model.config import EncoderConfig
from model.lean import METADATA_DIMS
from model.patches import PatchEmbedding, embed_patches
from model.positions import grid_encoding
from model.transformer import Transformer

UPSTREAM_PREFIX = "model.encoder."
"""What Clay's checkpoints put before every weight named above."""


class Encoder(nn.Module):
    """Chips of any sensor to one vector each."""

    def __init__(self, config: EncoderConfig) -> None:
        """Make the layers, not yet with meaningful weights."""
        super().__init__()
        self.config = config
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.patch_embedding = PatchEmbedding(config)
        self.transformer = Transformer(config)
        self.head = nn.Linear(config.dim, config.out_dim, bias=False) if config.out_dim != config.dim else None

    def forward(self, chips: Tensor, time: Tensor, latlon: Tensor, waves: Tensor, gsd: Tensor) -> Tensor:
        """Embed chips.

        Args:
            chips: `[B, C, H, W]` float32, normalised; H and W multiples of the patch.
            time: `[B, 4]` sine and cosine of week and of hour.
            latlon: `[B, 4]` sines and cosines of the place.
            waves: `[C]` wavelengths in micrometres, in the order of the bands.
            gsd: Ground sampling distance in metres, a scalar or `[1]`.

        Returns:
            `[B, out_dim]`: the class token, lifted where the size has a head. Not of unit length.
        """
        patch = self.config.patch
        kernel, bias = self.patch_embedding.kernel(waves)
        grid = grid_encoding(chips.shape[2] // patch, chips.shape[3] // patch, self.config.dim - METADATA_DIMS, gsd)
        tokens = with_context(embed_patches(chips, kernel, bias, patch), grid, time, latlon)
        class_token = read_class_token(tokens, self.cls_token, self.transformer)
        return class_token if self.head is None else self.head(class_token)


def read_class_token(tokens: Tensor, cls_token: Tensor, transformer: Transformer) -> Tensor:
    """Put the class token before `[B, L, dim]` patch tokens, run the blocks, and return it as `[B, dim]`.

    Args:
        tokens: `[B, L, dim]`, of `with_context`.
        cls_token: `[1, 1, dim]`, the same for every chip.
        transformer: The blocks.
    """
    first = cls_token.expand(tokens.shape[0], -1, -1)
    kept: Tensor = transformer(torch.cat((first, tokens), dim=1), keep=1)
    return kept[:, 0]


def with_context(tokens: Tensor, grid: Tensor, time: Tensor, latlon: Tensor) -> Tensor:
    """Add to every patch token its place in the chip, and the chip's time and place.

    Args:
        tokens: `[B, L, dim]`.
        grid: `[L, dim - 8]` of `grid_encoding`.
        time: `[B, 4]`.
        latlon: `[B, 4]`.

    Returns:
        `[B, L, dim]`; the last eight dimensions carry time, then latlon.
    """
    batch, length, _ = tokens.shape
    metadata = torch.cat((time, latlon), dim=1)[:, None, :].expand(-1, length, -1)
    return tokens + torch.cat((grid[None].expand(batch, -1, -1), metadata), dim=-1)
