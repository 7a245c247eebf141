"""Pre-norm vision transformer (Dosovitskiy et al. 2021), with Clay's layout of weights."""

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's usual name for it

from model.config import EncoderConfig


class Attention(nn.Module):
    """Multi-head self-attention without biases."""

    def __init__(self, config: EncoderConfig) -> None:
        """Make norm, joint query-key-value projection and output projection."""
        super().__init__()
        inner = config.heads * config.dim_head
        self.heads = config.heads
        self.dim_head = config.dim_head
        self.norm = nn.LayerNorm(config.dim)
        self.to_qkv = nn.Linear(config.dim, 3 * inner, bias=False)
        self.to_out = nn.Linear(inner, config.dim, bias=False)

    def forward(self, tokens: Tensor, queries: int | None = None) -> Tensor:
        """Attend.

        Args:
            tokens: `[B, L, dim]`.
            queries: Number of tokens, from the first, that attend to all tokens; None: every token does.

        Returns:
            `[B, queries or L, dim]`.
        """
        normed = self.norm(tokens)
        inner = self.heads * self.dim_head
        weight = self.to_qkv.weight
        query = self._heads(F.linear(normed[:, :queries], weight[:inner]))
        key_value = F.linear(normed, weight[inner:])
        key, value = self._heads(key_value[..., :inner]), self._heads(key_value[..., inner:])
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        attended: Tensor = self.to_out(mixed)
        return attended

    def _heads(self, joined: Tensor) -> Tensor:
        """`[B, L, heads * dim_head]` to `[B, heads, L, dim_head]`."""
        batch, length, _ = joined.shape
        return joined.reshape(batch, length, self.heads, self.dim_head).transpose(1, 2)


class FeedForward(nn.Module):
    """Two-layer perceptron behind a norm."""

    def __init__(self, config: EncoderConfig) -> None:
        """Make norm, widening layer and narrowing layer."""
        super().__init__()
        hidden = int(config.dim * config.mlp_ratio)
        self.net = nn.Sequential(
            nn.LayerNorm(config.dim),
            nn.Linear(config.dim, hidden),
            nn.GELU(),
            nn.Linear(hidden, config.dim),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `[B, L, dim]` to `[B, L, dim]`."""
        mapped: Tensor = self.net(tokens)
        return mapped


class Block(nn.ModuleList):
    """Attention, then perceptron, each added to its input; members `0` and `1`, as Clay's checkpoints name them."""

    def __init__(self, config: EncoderConfig) -> None:
        """Make both."""
        super().__init__((Attention(config), FeedForward(config)))

    def forward(self, tokens: Tensor, keep: int | None = None) -> Tensor:
        """Map `[B, L, dim]` to `[B, keep or L, dim]`: only the first `keep` tokens attend to all, and are kept."""
        attention, feed_forward = self
        attended: Tensor = tokens[:, :keep] + attention(tokens, keep)
        mapped: Tensor = attended + feed_forward(attended)
        return mapped


class Transformer(nn.Module):
    """Blocks of attention and perceptron, and a last norm."""

    def __init__(self, config: EncoderConfig) -> None:
        """Make the blocks."""
        super().__init__()
        self.norm = nn.LayerNorm(config.dim)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.depth))

    def forward(self, tokens: Tensor, keep: int | None = None) -> Tensor:
        """Run all blocks.

        Args:
            tokens: `[B, L, dim]`.
            keep: Return only the first so many tokens. The last block then works for these alone; no value changes.

        Returns:
            `[B, keep or L, dim]`, normed.
        """
        last = len(self.layers) - 1
        for place, block in enumerate(self.layers):
            tokens = block(tokens, keep if place == last else None)
        normed: Tensor = self.norm(tokens)
        return normed
