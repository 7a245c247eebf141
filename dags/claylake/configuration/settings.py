"""Settings: one frozen model, put together from named layers.

Later layers win: ``settings.yaml``, the AOI file, ``deployed.json``, the run's params. Each layer
is a partial document; a bad key or value is reported with its name, what is allowed, and the layer
that it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from claylake.area.rule import Rule
from claylake.configuration.cluster_settings import Cluster, Layout
from claylake.configuration.deployed import Deployed
from claylake.configuration.local import Local
from claylake.configuration.maintenance import Maintenance
from claylake.configuration.section import Section
from claylake.errors import SettingsError
from claylake.month import Month, require_observed
from claylake.nearest import hint
from claylake.vocabulary import COLLECTIONS, KEEP

__all__ = ["Cluster", "Deployed", "Layout", "Local", "Maintenance", "Section", "Settings", "assemble"]

Ownership = Literal["auto", Rule]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Catalogue(Section):
    """The STAC API, its time limits and retries, and what is known of its files. Times in seconds.

    `longest_wait_s` is the longest wait before an attempt is repeated that a server's Retry-After is given.
    `radiometry`: by scene id or collection, what is done to digital numbers, whatever flags, baselines and pixels say.
    `on_reprocessed`: what becomes of a chip whose pass has a scene of a newer baseline by now.
    """

    url: str = "https://earth-search.aws.element84.com/v1"
    page_size: int = Field(default=100, ge=1, le=500)
    timeout_s: float = Field(default=30.0, gt=0)
    retries: int = Field(default=6, ge=0, le=20)
    backoff_s: float = Field(default=1.0, ge=0)
    longest_wait_s: float = Field(default=30.0, ge=1, le=600)
    radiometry: dict[str, Literal["as_published", "minus_1000"]] = Field(default={})
    on_reprocessed: Literal["keep", "replace"] = KEEP


class Grid(Section):
    """Which cells there are.

    `ownership` is the version of the rule by which grids own ground (`claylake.area.rule`); ``auto`` is the one under
    which the AOI has published, else the newest.
    """

    ownership: Ownership = "auto"


class Selection(Section):
    """Which scenes, passes and cells become chips.

    `max_scene_cloud` is in percent (the catalogue's ``eo:cloud_cover``); the fractions are of all
    pixels of a cell. `passes_per_month` None keeps every pass that is clear enough, n the n
    clearest of a cell and month. `collections` is an order of preference. `start_date` and `end_date`: the first and
    the last day (UTC) of the passes that are taken; None: the month's. What is selected by them is not the month: they
    settle no scene for a run without them.
    """

    max_scene_cloud: float = Field(default=80.0, ge=0, le=100)
    min_clear_frac: Fraction = 0.7
    max_nodata_frac: Fraction = 0.05
    passes_per_month: int | None = Field(default=None, ge=1)
    collections: tuple[Literal["sentinel-2-c1-l2a", "sentinel-2-l2a"], ...] = COLLECTIONS
    start_date: date | None = None
    end_date: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start_date is not None and self.end_date is not None and self.end_date < self.start_date:
            msg = f"end_date {self.end_date} is before start_date {self.start_date}: give them in order, both inclusive"
            raise ValueError(msg)
        return self

    @field_validator("collections")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) != len(value):
            msg = f"give each collection once, at least one, of {', '.join(COLLECTIONS)}"
            raise ValueError(msg)
        return value


class Encoder(Section):
    """Which encoder artefact runs, and how.

    `model` is a folder name below ``<artifacts>/model/``. Precision ``auto`` is the device's fastest one in which the
    encoder passes its self-check; `batch_size` None is found by trial.
    """

    model: str = Field(default="clay-v1.5", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    convention: Literal["tutorial", "training", "blank"] = "tutorial"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    batch_size: int | None = Field(default=None, ge=1, le=1024)


class Limits(Section):
    """What a run may cost and lose, and how large it may be.

    `min_usable_frac` is of the scenes that the catalogue lists of a month: where fewer can be used (no pass is named,
    an asset is missing), the run fails before it starts a cluster. `max_cells`: an area's first plan of a million cells
    takes 540 MB at the most, which a small MWAA worker (2 GB) has to spare beside Airflow's own processes.
    """

    budget_usd: float = Field(default=20.0, gt=0)
    max_failed_frac: Fraction = 0.02
    min_usable_frac: Fraction = 0.5
    dry_run: bool = False
    max_cells: int = Field(default=1_000_000, ge=100)


class Schedule(Section):
    """When an AOI's months are made, and how long a failed task waits for its next attempt (doubled each time)."""

    start_month: str = "2024-01"
    settle_days: int = Field(default=10, ge=0, le=60)
    retry_delay_s: float = Field(default=60.0, ge=0, le=3600)

    @field_validator("start_month", mode="before")
    @classmethod
    def _month(cls, value: object) -> str:
        month = Month.parse(str(value))
        require_observed(month)
        return f"{month}"


class Prices(Section):
    """USD per hour by instance type, on demand, us-east-1 list prices noted in 2026-09: estimates to override.

    `s3_usd_gb_month` is S3's for a GB and month, in its standard class.
    """

    instance_usd_h: dict[str, float] = Field(
        default={
            "g4dn.xlarge": 0.526,
            "g5.xlarge": 1.006,
            "g5.2xlarge": 1.212,
            "g6.xlarge": 0.8048,
            "g6.2xlarge": 0.9776,
            "m7i.xlarge": 0.2016,
            "m7i.2xlarge": 0.4032,
            "r7i.xlarge": 0.2646,
            "r7i.2xlarge": 0.5292,
            "c7i.xlarge": 0.1785,
        }
    )
    emr_factor: float = Field(default=0.25, ge=0)
    spot_factor: float = Field(default=0.4, gt=0, le=1)
    s3_usd_gb_month: float = Field(default=0.023, ge=0)


class Settings(Section):
    """All settings of a run."""

    catalogue: Catalogue = Catalogue()
    grid: Grid = Grid()
    selection: Selection = Selection()
    encoder: Encoder = Encoder()
    cluster: Cluster = Cluster()
    limits: Limits = Limits()
    schedule: Schedule = Schedule()
    maintenance: Maintenance = Maintenance()
    prices: Prices = Prices()
    deployed: Deployed | None = None
    local: Local | None = None

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        if self.deployed is not None and self.local is not None:
            msg = "deployed and local are given: a run's lake is on AWS or in a folder of this machine, not both"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _priced(self) -> Self:
        for kind in self.cluster.types:
            if kind not in self.prices.instance_usd_h:
                known = ", ".join(sorted(self.prices.instance_usd_h))
                msg = f"instance type {kind} has no price: add it to prices.instance_usd_h, or use one of {known}"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _arch_fits(self) -> Self:
        gpu = [layout for layout in self.cluster.layouts if layout != "cpu"]
        if gpu and self.deployed is not None and self.deployed.arch == "cpu":
            msg = (
                f"cluster.layout {gpu[0]} needs a release built for GPUs, and the deployed one is built for CPUs: "
                "set cluster.layout to cpu, or deploy what make build ARCH=cuda makes"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _same_limits(self) -> Self:
        optimizers = self.deployed.optimizers if self.deployed else None
        differences = optimizers.differences(self.maintenance) if optimizers else []
        if differences:
            msg = (
                f"maintenance: {', '.join(differences)}: Glue's table optimizers maintain the tables (deployed.json), "
                "with limits that hold for every AOI and run: set these in settings.yaml and deploy, or deploy with "
                "lake.maintenance jobs"
            )
            raise ValueError(msg)
        return self

    @property
    def where(self) -> Deployed | Local:
        """Where the lake is: on AWS, or in a folder of this machine.

        Raises:
            SettingsError: if neither is said.
        """
        return self.local or self.on_aws

    @property
    def here(self) -> Local:
        """The lake on this machine.

        Raises:
            SettingsError: the run's is not.
        """
        if self.local is None:
            msg = "the lake is not on this machine: section local is missing"
            raise SettingsError(msg)
        return self.local

    @property
    def on_aws(self) -> Deployed:
        """What is deployed.

        Raises:
            SettingsError: if nothing is.
        """
        if self.deployed is None:
            msg = "no deployed.json: deploy the stacks (or start the local stack), which writes it beside the DAGs"
            raise SettingsError(msg)
        return self.deployed


def assemble(layers: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Merge named layers, later ones winning key by key, into checked settings.

    Args:
        layers: source name (e.g. ``settings.yaml``) to partial document, in rising precedence.

    Raises:
        SettingsError: naming each bad key, what it was given, what is allowed, and its source.
    """
    merged: dict[str, Any] = {}
    for source, layer in layers.items():
        _refuse_unknown(layer, Settings, source)
        for section, values in layer.items():
            if isinstance(values, Mapping):
                merged.setdefault(section, {}).update(values)
            elif values is not None:
                msg = f"{source}: section {section!r} must be a mapping, got {values!r}"
                raise SettingsError(msg)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(_explain(error, layers)) from error


def _refuse_unknown(layer: Mapping[str, Any], model: type[BaseModel], source: str) -> None:
    for section, values in layer.items():
        if section not in model.model_fields:
            known = model.model_fields
            msg = f"{source}: unknown section {section!r}; {hint(section, known)}allowed: {', '.join(known)}"
            raise SettingsError(msg)
        fields = _fields(model, section)
        for key in values if isinstance(values, Mapping) else ():
            if key not in fields:
                msg = f"{source}: unknown key {section}.{key}; {hint(key, fields)}allowed: {', '.join(fields)}"
                raise SettingsError(msg)


def _fields(model: type[BaseModel], section: str) -> dict[str, Any]:
    optional: dict[str, type[BaseModel]] = {"deployed": Deployed, "local": Local}
    kind = optional.get(section, model.model_fields[section].annotation)
    return kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}


def _explain(error: ValidationError, layers: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for problem in error.errors():
        path = [str(part) for part in problem["loc"]]
        if not path:
            lines.append(problem["msg"])
            continue
        given = "" if problem["type"] == "missing" else f" (given {problem['input']!r})"
        lines.append(f"{_source(path, layers)}: {'.'.join(path)}: {problem['msg']}{given}")
    return "; ".join(lines)


def _source(path: list[str], layers: Mapping[str, Mapping[str, Any]]) -> str:
    """The last layer that set the key at `path`; where none did, the last that set its section."""
    for depth in (2, 1):
        for source in reversed(list(layers)):
            section = layers[source].get(path[0])
            if isinstance(section, Mapping) and (depth == 1 or (len(path) > 1 and path[1] in section)):
                return source
    return "defaults"
