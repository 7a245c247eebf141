"""The AOI files of a folder as a plan would take them: settings, geometry and cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claylake.area.cells import AoiCells, cells_by_rule
from claylake.area.rule import NEWEST, Rule
from claylake.configuration.layers import CommonLayers, read_aois
from claylake.configuration.settings import Settings
from claylake.errors import BadInputError
from claylake.request.size_limit import require_fitting

if TYPE_CHECKING:
    from pathlib import Path

    from claylake.area.aoi import Aoi


@dataclass(frozen=True, kw_only=True)
class Area:
    """One usable AOI file: its settings without params, and its cells by every ownership rule.

    `remarks` say in sentences what was changed to make the geometry valid.
    """

    name: str
    file: str
    settings: Settings
    cells: AoiCells
    remarks: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        """The ownership rule of an AOI that has published nothing yet."""
        wanted = self.settings.grid.ownership
        return NEWEST if wanted == "auto" else wanted

    @property
    def digest(self) -> str:
        """Digest of the cells by that rule."""
        return self.cells.digests[self.rule]

    def ids(self) -> set[str]:
        """Ids of the cells by that rule."""
        return {cell for grid in self.cells.grids for cell in grid.ids(self.rule).to_pylist()}


@dataclass(frozen=True, kw_only=True)
class Areas:
    """Usable AOI files by name, and what is wrong with other entries of the folder, by file name."""

    usable: dict[str, Area]
    problems: dict[str, str]


def read_areas(folder: Path, common: CommonLayers) -> Areas:
    """Read every AOI file of a folder; a bad one leaves the others usable.

    Args:
        folder: of the AOI files.
        common: settings that all of them share.
    """
    found = read_aois(folder)
    usable: dict[str, Area] = {}
    problems = {file: why.removeprefix(f"AOI file {file}: ") for file, why in found.problems.items()}
    for name, aoi in found.aois.items():
        file = aoi.file or name
        try:
            usable[name] = _area(aoi, file, common)
        except BadInputError as error:
            problems[file] = str(error)
    return Areas(usable=usable, problems=problems)


def _area(aoi: Aoi, file: str, common: CommonLayers) -> Area:
    settings = common.settings(aoi, {})
    require_fitting(aoi.geometry, settings)
    area = Area(name=aoi.name, file=file, settings=settings, cells=cells_by_rule(aoi), remarks=aoi.remarks)
    if not count(area):
        msg = (
            f"no grid cell overlaps it by ownership rule {area.rule}: Sentinel-2 has no tile there; choose another area"
        )
        raise BadInputError(msg)
    return area


def count(area: Area) -> int:
    """How many cells the area has by its rule."""
    return sum(int(grid.exists[area.rule].sum()) for grid in area.cells.grids)
