"""One pass over the landscape: signed DN per band, and the scene classification."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claylake.vocabulary import BANDS, BANDS_10M
from infra.world.events.layer import Layer, Trace
from infra.world.ground import spectra
from infra.world.ground.landcover import Landscape
from infra.world.imaging.passes import Pass
from infra.world.imaging.sky import Weather, paint_sky
from infra.world.noise import Field, blurred, fractal, generator, halved, smoothstep

SNOW_SHARE = 0.035
"""Share of the extent, its highest, that new snow reaches."""

_HAZE = (1.0, 0.62, 0.4, 0.33, 0.25, 0.2, 0.15, 0.14, 0.02, 0.0)
_SHADE_LOSS = (0.42, 0.48, 0.54, 0.57, 0.6, 0.62, 0.63, 0.64, 0.68, 0.7)
"""Of the light at the ground that a full cloud shadow takes: the sky still lights the blue."""


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What one pass needs besides the ground: sun, weather, snow, and where no data is.

    Rasters are `(row, col)`; `nodata` is at 20 m, as the SCL, all others at 10 m.
    """

    azimuth: float
    elevation: float
    shade: Field
    weather: Weather
    snow: Field
    nodata: NDArray[np.bool_]


def expose(seed: int, land: Landscape, overflight: Pass, lonlat: tuple[float, float]) -> Exposure:
    """Set the scene of a pass: where the sun stands and how the sky is.

    Args:
        seed: the world's.
        land: the landscape.
        overflight: the pass.
        lonlat: longitude and latitude of the place, degrees.
    """
    shape = land.extent.shape
    azimuth, elevation = overflight.sun(lonlat[1], lonlat[0])
    return Exposure(
        azimuth=azimuth,
        elevation=elevation,
        shade=land.terrain.shade(azimuth, elevation),
        weather=paint_sky(seed, overflight, shape, azimuth, elevation),
        snow=_snow(seed, land, overflight),
        nodata=beyond_swath(overflight, (shape[0] // 2, shape[1] // 2)),
    )


def beyond_swath(overflight: Pass, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return where the swath has ended, `(row, col)`: east of a line along the track."""
    if not overflight.role.edge:
        return np.zeros(shape, dtype=bool)
    (top, bottom) = SWATH_EDGE
    rows = (np.arange(shape[0]) + 0.5) / shape[0]
    cols = (np.arange(shape[1]) + 0.5) / shape[1]
    return np.asarray(cols[None, :] > (top + (bottom - top) * rows)[:, None])


SWATH_EDGE = (0.83, 0.64)
"""Where the swath ends at the extent's north and south edge, as fractions eastwards."""


def _snow(seed: int, land: Landscape, overflight: Pass) -> Field:
    if not overflight.role.snow:
        return np.zeros((1, 1), dtype=np.float32)
    height = land.terrain.height
    rough = fractal(generator(seed, "snow"), height.shape, longest=32, shortest=1, gain=0.6)
    line, bottom = (float(np.quantile(height[::8, ::8], part)) for part in (1 - SNOW_SHARE, 0.2))
    melting = np.float32(0.05 * (line - bottom)) * rough
    return smoothstep(height + melting, line, line + 0.08 * (line - bottom))


def layers_of(traces: Sequence[Trace], land: Landscape, overflight: Pass) -> list[Layer]:
    """Return what events have changed by the time of a pass.

    Args:
        traces: what events leave.
        land: the landscape.
        overflight: the pass.
    """
    spectra_of_day = spectra.ground(land.units, overflight.day)
    layers = [trace.at(overflight.start, spectra_of_day) for trace in traces]
    return [layer for layer in layers if layer is not None]


def clean_bands(
    land: Landscape, layers: Sequence[Layer], overflight: Pass, exposure: Exposure
) -> Iterator[tuple[str, Field]]:
    """Yield every band as it would look without atmosphere, DN, at its own resolution.

    Args:
        land: the landscape.
        layers: what events have changed.
        overflight: the pass.
        exposure: its sun, weather and snow.
    """
    spectra_of_day = spectra.ground(land.units, overflight.day)
    pattern = land.pattern * spectra.patterning(land.units, overflight.day)[land.unit]
    for index, band in enumerate(BANDS):
        weight = np.float32(spectra.VISIBLE_WEIGHT[index])
        field = spectra_of_day[:, index][land.unit]
        field *= 1 + weight * pattern + land.grain
        for layer in layers:
            layer.paint(field, band)
        if overflight.role.snow:
            field += exposure.snow * (np.float32(spectra.SNOW[index]) - field)
        field *= exposure.shade
        field = blurred(field)
        yield band, field if band in BANDS_10M else halved(field)


def veiled(band: str, clean: Field, weather: Weather, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return a band as the sensor delivers it: shadow, haze, cirrus, cloud and noise; signed DN.

    Args:
        band: its name, one of `BANDS`.
        clean: the band without atmosphere, DN, as `clean_bands` yields it.
        weather: the pass's, at the band's resolution.
        rng: source of the noise.
    """
    index = BANDS.index(band)
    out = clean * (1 - np.float32(_SHADE_LOSS[index]) * weather.shadow)
    out += np.float32(_HAZE[index]) * weather.haze
    out += weather.cirrus * (np.float32(spectra.CIRRUS[index]) - np.float32(0.35) * out)
    out += weather.cloud * (np.float32(spectra.CLOUD[index]) * weather.light - out)
    noise = rng.standard_normal(out.shape, dtype=np.float32)
    out += noise * (np.float32(1.2) + np.float32(0.001) * out)
    return np.rint(out).astype(np.int32)


def at_20m(weather: Weather) -> Weather:
    """Return the weather at 20 m."""
    return Weather(
        cloud=halved(weather.cloud),
        light=halved(weather.light),
        shadow=halved(weather.shadow),
        cirrus=halved(weather.cirrus),
        haze=halved(weather.haze),
    )
