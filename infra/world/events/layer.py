"""A part of the ground that an event has changed, in its state at some moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from claylake.vocabulary import BANDS
from infra.world.noise import Field

Pixels = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows and columns of pixels at 10 m, `(pixel,)` each."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Changed pixels at a moment; arrays are `(pixel,)`.

    Attributes:
        pixels: which.
        share: how much of the old ground each has lost, 0 to 1.
        spectra: what is there instead, `(pixel, band)` DN.
        water: whether that is water.
    """

    pixels: Pixels
    share: Field
    spectra: Field
    water: NDArray[np.bool_]

    def paint(self, field: Field, band: str) -> None:
        """Change a band of the whole ground, `(row, col)` DN, in place."""
        old = field[self.pixels]
        field[self.pixels] = old + self.share * (self.spectra[:, BANDS.index(band)] - old)


class Trace(Protocol):
    """What an event leaves on the ground."""

    @property
    def outline(self) -> BaseGeometry:
        """The changed area, projected metres."""

    def at(self, moment: datetime, spectra_of_day: NDArray[np.float32], /) -> Layer | None:
        """What there is to see at a moment; None before the event, and where nothing is left of it.

        Args:
            moment: of the pass.
            spectra_of_day: every unit's spectrum on the day of the pass, `(unit, band)` DN.
        """


def uniform(spectrum: Any, texture: Field) -> Field:
    """Return one spectrum (DN per band) for pixels of a texture, `(pixel,)` about 0: `(pixel, band)`."""
    return np.asarray(np.asarray(spectrum, dtype=np.float32) * (1 + texture)[:, None])


def dry(pixels: Pixels) -> NDArray[np.bool_]:
    """Return that none of the pixels is water."""
    return np.zeros(pixels[0].size, dtype=bool)
