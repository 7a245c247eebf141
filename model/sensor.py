"""Sentinel-2 L2A as Clay v1.5 was trained on it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Band:
    """One band.

    Attributes:
        name: Name in Earth Search's items.
        mean: Mean of Clay's training pixels, DN.
        std: Standard deviation of the same, DN.
        wavelength_um: Central wavelength, micrometres.
    """

    name: str
    mean: float
    std: float
    wavelength_um: float


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """What the encoder must know of a sensor.

    Attributes:
        name: Clay's name of it.
        bands: In the order of the chips' first axis.
        gsd_m: Ground sampling distance, metres.
    """

    name: str
    bands: tuple[Band, ...]
    gsd_m: float

    @property
    def names(self) -> tuple[str, ...]:
        """Band names in order."""
        return tuple(band.name for band in self.bands)

    @property
    def means(self) -> tuple[float, ...]:
        """Means in DN, in order."""
        return tuple(band.mean for band in self.bands)

    @property
    def stds(self) -> tuple[float, ...]:
        """Standard deviations in DN, in order."""
        return tuple(band.std for band in self.bands)

    @property
    def wavelengths_um(self) -> tuple[float, ...]:
        """Central wavelengths in micrometres, in order."""
        return tuple(band.wavelength_um for band in self.bands)


SENTINEL_2 = Sensor(
    name="sentinel-2-l2a",
    gsd_m=10.0,
    bands=(
        Band(name="blue", mean=1105.0, std=1809.0, wavelength_um=0.493),
        Band(name="green", mean=1355.0, std=1757.0, wavelength_um=0.56),
        Band(name="red", mean=1552.0, std=1888.0, wavelength_um=0.665),
        Band(name="rededge1", mean=1887.0, std=1870.0, wavelength_um=0.704),
        Band(name="rededge2", mean=2422.0, std=1732.0, wavelength_um=0.74),
        Band(name="rededge3", mean=2630.0, std=1697.0, wavelength_um=0.783),
        Band(name="nir", mean=2743.0, std=1742.0, wavelength_um=0.842),
        Band(name="nir08", mean=2785.0, std=1648.0, wavelength_um=0.865),
        Band(name="swir16", mean=2388.0, std=1470.0, wavelength_um=1.61),
        Band(name="swir22", mean=1835.0, std=1379.0, wavelength_um=2.19),
    ),
)
"""From `configs/metadata.yaml` of Clay v1.5: harmonised DN, no scaling to reflectance, no clipping."""
