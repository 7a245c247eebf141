"""Clay's encoder, of any size and with any weights, ready to be built into an artefact."""

from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import Tensor

from model.architecture import Encoder
from model.config import EncoderConfig
from model.folding import fold, lean_config
from model.format import Source
from model.lean import LeanEncoder, load_lean
from model.sensor import Sensor
from model.weights import weights_digest


def bare_encoder(config: EncoderConfig) -> Encoder:
    """An encoder without memory for its weights: names and shapes, to be given weights by `Clay`."""
    with torch.device("meta"):
        return Encoder(config)


class Clay:
    """A `Buildable`; see there."""

    def __init__(
        self, encoder: Encoder, state: Mapping[str, Tensor], sensor: Sensor, *, source: Source, note: str
    ) -> None:
        """Give the encoder its weights, and fold the sensor in.

        Args:
            encoder: Of `bare_encoder`.
            state: float32 weights by Clay's names, exactly those of `encoder`; taken over, not copied.
            sensor: Whose chips will come.
            source: Where the weights are from.
            note: What a reader must know of them.
        """
        encoder.load_state_dict(state, strict=True, assign=True)
        self._encoder = encoder.eval().requires_grad_(requires_grad=False)
        self._config = lean_config(encoder.config, sensor)
        self._weights = fold(encoder, sensor)
        self._waves, self._gsd = torch.tensor(sensor.wavelengths_um), torch.tensor(sensor.gsd_m)
        self._mean, self._std = (torch.tensor(values).view(-1, 1, 1) for values in (sensor.means, sensor.stds))
        self.sensor = sensor
        self.out_dim = encoder.config.out_dim
        self.weights_digest = weights_digest(encoder.state_dict())
        self.source = source
        self.note = note

    def reference(self, dn: Tensor, time: Tensor, latlon: Tensor) -> Tensor:
        """Embed with the unfolded encoder.

        Args:
            dn: `[B, C, H, W]` float32 DN, not normalised.
            time: `[B, 4]` float32.
            latlon: `[B, 4]` float32.
        """
        with torch.inference_mode():
            vectors: Tensor = self._encoder((dn - self._mean) / self._std, time, latlon, self._waves, self._gsd)
        return vectors

    def module(self, precision: str, form: str = "plain") -> LeanEncoder:
        """The lean encoder."""
        return load_lean(self._config, self._weights, precision, form)

    def architecture(self) -> Mapping[str, object]:
        """All of `LeanConfig` that the description does not say elsewhere."""
        return {name: value for name, value in asdict(self._config).items() if name not in {"bands", "chip_px"}}

    def weights(self) -> Mapping[str, Tensor]:
        """The lean state."""
        return self._weights
