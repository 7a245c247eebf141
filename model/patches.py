"""Patch embedding whose kernel is made from the bands' wavelengths (Xiong et al. 2024, DOFA, arXiv:2403.15356)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's usual name for it

from model.config import EncoderConfig
from model.positions import wave_encoding

KERNEL_SCALE = 0.02
"""Clay's constant factor on generated kernels."""


class WaveFeatures(nn.Module):
    """Residual two-layer perceptron on wavelength encodings."""

    def __init__(self, dim: int) -> None:
        """Make the two layers, both `dim` wide."""
        super().__init__()
        self.l1 = nn.Linear(dim, dim)
        self.l2 = nn.Linear(dim, dim)

    def forward(self, waves: Tensor) -> Tensor:
        """Map `[C, dim]` to `[C, dim]`."""
        hidden = F.gelu(self.l1(waves))
        return waves + F.gelu(self.l2(hidden))


class KernelGenerator(nn.Module):
    """Make one convolution kernel per band, and one bias, from wavelength features."""

    def __init__(self, config: EncoderConfig) -> None:
        """Make learnt tokens, one post-norm transformer layer, and the two output layers."""
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            d_model=config.wave_dim,
            nhead=config.wave_heads,
            activation="gelu",
            dropout=0.0,
            norm_first=False,
            batch_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)
        self.fc_weight = nn.Linear(config.wave_dim, config.patch**2 * config.dim)
        self.fc_bias = nn.Linear(config.wave_dim, config.dim)
        self.weight_tokens = nn.Parameter(torch.zeros(config.wave_tokens, config.wave_dim))
        self.bias_token = nn.Parameter(torch.zeros(1, config.wave_dim))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Generate from `[C, wave_dim]`.

        Returns:
            Kernels `[C, dim * patch * patch]` and bias `[dim]`.
        """
        first = self.weight_tokens.shape[0]
        tokens = torch.cat((self.weight_tokens, features, self.bias_token), dim=0)
        mixed = self.encoder(tokens)
        bands = slice(first, first + features.shape[0])
        return self.fc_weight(mixed[bands] + tokens[bands]), self.fc_bias(mixed[-1])


class PatchEmbedding(nn.Module):
    """Chips to patch tokens, for any set of bands."""

    def __init__(self, config: EncoderConfig) -> None:
        """Make the generator; no weight depends on the number of bands."""
        super().__init__()
        self.config = config
        self.fclayer = WaveFeatures(config.wave_dim)
        self.weight_generator = KernelGenerator(config)

    def kernel(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """Make the embedding's weights for one sensor.

        Args:
            waves: `[C]` wavelengths in micrometres, as Clay was trained, although its pages say nanometres.

        Returns:
            Kernel `[C * patch * patch, dim]`, rows in (band, row, col) order, and bias `[dim]`.
        """
        dim, patch = self.config.dim, self.config.patch
        weight, bias = self.weight_generator(self.fclayer(wave_encoding(waves, self.config.wave_dim)))
        bands = waves.shape[0]
        by_band = weight.reshape(bands, dim, patch, patch).permute(0, 2, 3, 1)
        return by_band.reshape(bands * patch * patch, dim) * KERNEL_SCALE, bias


def embed_patches(chips: Tensor, kernel: Tensor, bias: Tensor, patch: int) -> Tensor:
    """Cut chips into patches and project them.

    A matrix product, not a convolution: on GPUs convolutions use TF32 by default, products do not.

    Args:
        chips: `[B, C, H, W]` normalised; H and W are multiples of `patch`.
        kernel: `[C * patch * patch, dim]` of `PatchEmbedding.kernel`.
        bias: `[dim]`.
        patch: Side of a patch in pixels.

    Returns:
        `[B, H / patch * W / patch, dim]`, patches row by row.
    """
    _, bands, height, width = chips.shape
    rows, cols = height // patch, width // patch
    cut = chips.reshape(-1, bands, rows, patch, cols, patch).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(-1, rows * cols, bands * patch * patch) @ kernel + bias
