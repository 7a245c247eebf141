"""One chip's row against its scene's files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import blosc2
import numpy as np
import xxhash
from numpy.typing import NDArray

from infra.verify import rules
from infra.verify.errors import UnreadableError
from infra.verify.place import misplaced
from infra.verify.scene_files import CellFiles, Source

COLUMNS = (
    "id", "cell_id", "pass", "epsg", "col", "row", "geohash", "geometry", "geotiff", "xmin", "ymin", "xmax", "ymax",
    "datetime", "scene_id", "second_scene_id", "collection",
    "baseline", "radiometry", "run_id", "clay_tensor", "content_digest",
    "clear_frac", "cloud_frac", "shadow_frac", "snow_frac", "water_frac", "nodata_frac", "scl_mean",
)  # fmt: skip
"""Of `chips`: all that is compared."""
SHAPE = (len(rules.BANDS), rules.PIXELS, rules.PIXELS)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong with a chip.

    Attributes:
        chip: Its id.
        kind: One of those in `docs/verify.md`.
        text: What was found, and what was expected.
        pixels: How many band values differ; for `pixels` alone.
    """

    chip: str
    kind: str
    text: str
    pixels: int = 0


def judge(chip: Mapping[str, Any], sources: Sequence[Source], files: CellFiles) -> Iterator[Finding]:
    """All that is wrong with a chip.

    Args:
        chip: A row of `chips`, with `COLUMNS`.
        sources: The item of its scene, or those of two halves.
        files: Its cell in the scene's files, or in those of both halves.
    """
    yield from (_finding(chip, "geometry", text) for text in misplaced(chip))
    yield from (_finding(chip, "item", text) for text in _item(chip, sources))
    yield from _fractions(chip, files.scl)
    for key, share in rules.empty(files.raw, files.scl).items():
        yield _finding(chip, "empty", f"{share:.1%} of {key} are 0 where SCL has data: this is no chip")
    try:
        stored = _decoded(chip["clay_tensor"])
    except UnreadableError as error:
        yield _finding(chip, "unreadable", str(error))
        return
    digest = xxhash.xxh3_128_hexdigest(stored.tobytes())
    if digest != chip["content_digest"]:
        yield _finding(chip, "digest", f"content_digest is {chip['content_digest']}, of the stored pixels {digest}")
    if chip["radiometry"] not in rules.OFFSETS:
        yield _finding(chip, "radiometry", f"{chip['radiometry']!r} is none of {', '.join(rules.OFFSETS)}")
        return
    yield from _pixels(chip, stored, files.raw)


def _pixels(chip: Mapping[str, Any], stored: NDArray[np.uint16], raw: NDArray[Any]) -> Iterator[Finding]:
    expected = rules.tensor(raw, chip["radiometry"])
    places = np.argwhere(stored != expected)
    if len(places):
        band, row, col = places[0]
        first = f"{rules.BANDS[band]} in row {row}, column {col}"
        text = (
            f"{len(places):,} of {stored.size:,} differ, first {first}: stored {stored[band, row, col]}, "
            f"by the file {expected[band, row, col]} ({chip['radiometry']} of {raw[band, row, col]})"
        )
        yield Finding(chip=chip["id"], kind="pixels", text=text, pixels=len(places))


def _fractions(chip: Mapping[str, Any], scl: NDArray[Any]) -> Iterator[Finding]:
    for name, value in rules.fractions(scl).items():
        stored = chip[name]
        both = None not in (stored, value)
        if not (math.isclose(stored, value or 0.0, rel_tol=1e-5, abs_tol=1e-6) if both else stored is value):
            yield _finding(chip, "fractions", f"{name} is {stored}, by SCL {value}")


def _item(chip: Mapping[str, Any], sources: Sequence[Source]) -> Iterator[str]:
    acquired, said = moment(chip["datetime"]), moment(sources[0].datetime)
    if abs((acquired - said).total_seconds()) > 1e-3:
        yield f"datetime is {acquired.isoformat()}, of the item {said.isoformat()}"
    for source in sources:
        for name, value in (("collection", source.collection), ("baseline", source.baseline)):
            if chip[name] != value:
                yield f"{name} is {chip[name]}, of the item {value}"


def moment(value: Any) -> datetime:
    """A time of a row or an item, in UTC."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _decoded(frame: bytes | None) -> NDArray[np.uint16]:
    try:
        stored = blosc2.ndarray_from_cframe(frame)[:]
    except (RuntimeError, ValueError, TypeError) as error:
        raise UnreadableError(f"clay_tensor cannot be decoded: {error}") from error
    if stored.shape != SHAPE or stored.dtype != np.uint16:
        raise UnreadableError(f"clay_tensor is {stored.dtype} {stored.shape}, expected uint16 {SHAPE}")
    found: NDArray[np.uint16] = stored
    return found


def _finding(chip: Mapping[str, Any], kind: str, text: str) -> Finding:
    return Finding(chip=chip["id"], kind=kind, text=text)
