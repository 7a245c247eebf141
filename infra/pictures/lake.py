"""What the pictures need of a lake in a folder: rows of chips and observations, and the last report of a month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import blosc2
import numpy as np
from PIL import Image

from infra.pictures.errors import PictureError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Array = np.ndarray[Any, Any]
CELL_PX: Final = 256


@dataclass(frozen=True)
class Lake:
    """A lake in a folder."""

    folder: Path

    def rows(self, table: str, condition: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Rows of a table.

        Args:
            table: its name.
            condition: as pyiceberg reads it.
            columns: to read.
        """
        from pyiceberg.catalog import load_catalog

        catalog = load_catalog("lake", type="sql", uri=f"sqlite:///{self.folder}/catalogue.sqlite")
        scan = catalog.load_table(f"claylake.{table}").scan(condition, selected_fields=tuple(columns))
        found: list[dict[str, Any]] = scan.to_arrow().to_pylist()
        return found

    def report(self, month: str) -> Path:
        """Folder of the report of a month's last run.

        Raises:
            PictureError: there is none.
        """
        found = sorted(self.folder.glob(f"runs/*/{month}/*/report"))
        if not found:
            msg = f"{self.folder}: no run of {month} has left a report"
            raise PictureError(msg)
        return found[-1]


def of_month(month: str) -> str:
    """The condition on `datetime`, of a month as yyyy-mm that is not the last of a year."""
    year, number = month.split("-")
    return f"datetime >= '{month}-01T00:00:00+00:00' and datetime < '{year}-{int(number) + 1:02}-01T00:00:00+00:00'"


def pixels(tensor: bytes) -> Array:
    """A chip's digital numbers, uint16 (band, row, col)."""
    found: Array = blosc2.ndarray_from_cframe(tensor)[:]
    return found


@dataclass(frozen=True, kw_only=True)
class Composite:
    """Three of a chip's bands as red, green and blue; `lightest` is the digital number that is drawn white."""

    bands: tuple[int, int, int]
    lightest: int

    def picture(self, bands: Array) -> Image.Image:
        """Of uint16 (band, row, col), all ten."""
        unit = np.clip(bands[list(self.bands)].astype(np.float32) / self.lightest, 0, 1) ** 0.8
        return Image.fromarray(np.rint(np.moveaxis(unit, 0, -1) * 255).astype(np.uint8), "RGB")
