"""Sentinel-2's bands as assets: file names and wavelengths."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Wavelength:
    """A band: its number, title, and centre and width in micrometres."""

    band: str
    title: str
    centre: float
    width: float


WAVELENGTHS = {
    "blue": Wavelength(band="B02", title="Blue", centre=0.49, width=0.098),
    "green": Wavelength(band="B03", title="Green", centre=0.56, width=0.045),
    "red": Wavelength(band="B04", title="Red", centre=0.665, width=0.038),
    "rededge1": Wavelength(band="B05", title="Red edge 1", centre=0.704, width=0.019),
    "rededge2": Wavelength(band="B06", title="Red edge 2", centre=0.74, width=0.018),
    "rededge3": Wavelength(band="B07", title="Red edge 3", centre=0.783, width=0.028),
    "nir": Wavelength(band="B08", title="NIR 1", centre=0.842, width=0.145),
    "nir08": Wavelength(band="B8A", title="NIR 2", centre=0.865, width=0.033),
    "swir16": Wavelength(band="B11", title="SWIR 1.6um", centre=1.61, width=0.143),
    "swir22": Wavelength(band="B12", title="SWIR 2.2um", centre=2.19, width=0.242),
}
"""By the bands' names in the vocabulary, in its order."""

SCL_FILE = "SCL.tif"
