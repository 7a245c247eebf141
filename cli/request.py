"""What a command line wants: an area, months and settings, from options, overrides, the AOI file and the lake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from claylake.area.aoi import Aoi
from claylake.configuration.layers import refuse_lake_wide
from claylake.configuration.local import DATABASE
from claylake.configuration.settings import Settings, assemble
from claylake.errors import BadInputError
from claylake.month import Month, parse_months
from claylake.request.params import Request
from cli import script_names
from cli.encoder import find_encoder
from cli.overrides import ELSEWHERE, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.lake import LakeFolder

COMMAND_LINE = "command line"


def area_name(given: str | None) -> str | None:
    """The name of an area that an option gives by its AOI file, or as it is.

    Raises:
        BadInputError: the file is no AOI.
    """
    if given is None or not Path(given).is_file():
        return given
    return Wanted(aoi=Path(given), bbox=None, months=None, data=None, encoder=None).area().name


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Options of a command, as given.

    `aoi` is a GeoJSON file, `bbox` is ``west,south,east,north`` in degrees, `months` is ``yyyy-mm`` or
    ``yyyy-mm/yyyy-mm`` (None: those of `selection.start_date` and `end_date`), `data` a folder of STAC items and their
    files, `encoder` a folder or name, `database` the namespace of the tables.
    """

    aoi: Path | None
    bbox: str | None
    months: str | None
    data: Path | None
    encoder: str | None
    database: str = DATABASE
    overrides: Sequence[str] = ()

    @classmethod
    def of(cls, command: str, words: Sequence[str], **options: Any) -> Self:
        """Of options and words.

        Args:
            command: its name.
            words: ``key=value``: settings, and names that scripts use (`cli.script_names`).
            options: the fields, but `overrides`.

        Raises:
            BadInputError: a word is unknown, or says otherwise than an option.
        """
        named = script_names.read(words, command)
        if named.bbox is not None and (options["bbox"] or options["aoi"]):
            msg = "the area: aoi_bounds and an option are given; give one of them"
            raise BadInputError(msg)
        if named.namespace is not None and options["database"] not in (DATABASE, named.namespace):
            msg = f"--database {options['database']}, and tables in {named.namespace}: give the same namespace"
            raise BadInputError(msg)
        options["bbox"] = options["bbox"] if named.bbox is None else named.bbox
        options["database"] = named.namespace or options["database"]
        if options["months"] is None:
            options["months"] = _months_of(named.day("start_date"), named.day("end_date"))
        return cls(overrides=named.overrides, **options)

    @property
    def names_nothing(self) -> bool:
        """Whether neither area nor months are given."""
        return self.aoi is None and self.bbox is None and self.months is None

    def area(self) -> Aoi:
        """The area.

        Raises:
            BadInputError: none or two are given, or it cannot be used.
        """
        if (self.aoi is None) == (self.bbox is None):
            what = "both are given" if self.aoi else "neither is given"
            msg = f"the area: {what}; give --aoi <file>.geojson, or --bbox west,south,east,north in degrees"
            raise BadInputError(msg)
        if self.aoi is not None:
            if not self.aoi.is_file():
                msg = f"--aoi {self.aoi}: no such file; give a GeoJSON file with the area's polygon"
                raise BadInputError(msg)
            return Aoi.from_file(self.aoi)
        return Aoi.from_bbox(_numbers(str(self.bbox)))

    def remarks(self, aoi: Aoi) -> tuple[str, ...]:
        """Sentences about what was changed in the area, and what in its file has no use here."""
        unused = [f"section {name} of {aoi.file}: {why}" for name, why in ELSEWHERE.items() if name in aoi.overrides]
        return (*aoi.remarks, *unused)

    def each_month(self) -> tuple[Month, ...]:
        """The months, in order.

        Raises:
            BadInputError: there are none, or they are written otherwise.
        """
        if self.months is None:
            msg = "the months: none are given; give --month yyyy-mm (or yyyy-mm/yyyy-mm), or start_date= and end_date="
            raise BadInputError(msg)
        return parse_months(self.months)

    def settings_of_catalogue(self, lake: LakeFolder) -> Settings:
        """Settings without an area and an encoder: what says where scenes come from.

        Args:
            lake: whose settings count.

        Raises:
            SettingsError: as of `settings`.
        """
        layers = {lake.settings_path.name: lake.settings(), COMMAND_LINE: parse(self.overrides)}
        return assemble({**layers, "options": self._data()})

    def settings(self, lake: LakeFolder, aoi: Aoi, *, dry_run: bool = False) -> Settings:
        """Settings of the runs: the lake's, the AOI file's, then the command line's.

        Args:
            lake: where the runs work.
            aoi: the area.
            dry_run: the run ends with its plan.

        Raises:
            SettingsError: naming each bad key, what it was given, what is allowed, and its source.
            BadInputError: there is no such encoder.
        """
        layers: dict[str, dict[str, Any]] = {lake.settings_path.name: lake.settings()}
        if aoi.file is not None:
            layers[aoi.file] = aoi.overrides
        layers[COMMAND_LINE] = parse(self.overrides)
        for source in list(layers)[1:]:
            refuse_lake_wide(layers[source], source)
        options: dict[str, dict[str, Any]] = {"limits": {"dry_run": True}} if dry_run else {}
        options |= self._data()
        named = assemble({**layers, "options": options})
        encoder = find_encoder(self.encoder or named.encoder.model)
        options["local"] = lake.place(encoder, self.database).model_dump()
        return assemble({**layers, "options": options})

    def _data(self) -> dict[str, dict[str, Any]]:
        return {} if self.data is None else {"catalogue": {"url": self.data.absolute().as_uri()}}

    def request(self, aoi: Aoi, month: Month) -> Request:
        """What the run of one month is to do.

        Args:
            aoi: the area.
            month: of the run.
        """
        return Request(aoi=aoi, months=(month,), overrides=parse(self.overrides))


def _months_of(start: str | None, end: str | None) -> str | None:
    """From the month of one day to that of another."""
    if start is None and end is None:
        return None
    if start is None or end is None:
        msg = f"{'start_date' if end is None else 'end_date'} alone says no months: give the other one, or --month, too"
        raise BadInputError(msg)
    return f"{start[:7]}/{end[:7]}"


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        msg = f"--bbox {text!r}: give four numbers, west,south,east,north in degrees, as in -9.25,38.68,-9.08,38.80"
        raise BadInputError(msg) from error
