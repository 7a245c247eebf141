"""Encoders: the folder of an artefact in, vectors out. Other code imports this package, and none of its modules.

An encoder is proven on its device when it is loaded. Chips are uint16 `(n, band, row, col)`, places (lon, lat) degrees:

    >>> encoder = load_encoder(folder, convention="tutorial", batch=4)
    >>> result = encoder.encode(chips, lonlat, when)
    >>> result.vectors.shape
    (2, 1024)
    >>> result.reasons
    (None, None)

`encode` is two steps, which the embed job takes in two threads:

    >>> again = encoder.run(encoder.prepare(chips, lonlat, when))
    >>> bool((again.vectors == result.vectors).all())
    True

torch is imported when an encoder is loaded, and not before: drivers run on machines that have none.
"""

from spark.encoding.artefact import read_artefact
from spark.encoding.encoder import Encoder
from spark.encoding.errors import EncoderError
from spark.encoding.load import load_encoder
from spark.encoding.prepared import Prepared
from spark.encoding.result import EncodeResult

__all__ = ["EncodeResult", "Encoder", "EncoderError", "Prepared", "load_encoder", "read_artefact"]
