"""The interface between encoders and the build: what can be made into an artefact."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn

from model.format import Source
from model.sensor import Sensor


class Buildable(Protocol):
    """An encoder for one sensor, with its weights.

    Attributes:
        sensor: Whose chips it takes.
        out_dim: Length of its vectors.
        weights_digest: sha256 that names the weights, 64 hexadecimal digits, the same on every machine.
        source: Where the weights are from, for the description.
        note: What a reader of the description must know.
    """

    sensor: Sensor
    out_dim: int
    weights_digest: str
    source: Source
    note: str

    def reference(self, dn: Tensor, time: Tensor, latlon: Tensor) -> Tensor:
        """Embed plainly, eager and in fp32, with nothing folded: what everything else is measured against.

        Args:
            dn: `[B, C, 256, 256]` float32.
            time: `[B, 4]` float32.
            latlon: `[B, 4]` float32.

        Returns:
            `[B, out_dim]` float32.
        """
        ...

    def module(self, precision: str, form: str = "plain") -> nn.Module:
        """The fast form of the same encoder, with the same inputs and outputs; float32 in and out, `precision` within.

        Args:
            precision: One of `model.lean.PRECISIONS`.
            form: One of `model.lean.FORMS`: which operators compute it.
        """
        ...

    def architecture(self) -> Mapping[str, object]:
        """Sizes that `model.lean` needs to make the module from the weights again."""
        ...

    def weights(self) -> Mapping[str, Tensor]:
        """fp32 weights of the module, by name."""
        ...
