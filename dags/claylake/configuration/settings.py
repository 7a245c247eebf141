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
from claylake.configuration.section import Section, setting
from claylake.errors import SettingsError
from claylake.month import Month, require_observed
from claylake.nearest import hint
from claylake.vocabulary import COLLECTIONS, KEEP

__all__ = ["Cluster", "Deployed", "Layout", "Local", "Maintenance", "Section", "Settings", "assemble"]

Ownership = Literal["auto", Rule]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Catalogue(Section):
    """The STAC API, its time limits and retries, and what is known of its files. Times in seconds."""

    url: str = setting(
        "https://earth-search.aws.element84.com/v1",
        "Address of the STAC API's landing page; for the command also a folder of STAC items and COGs (`file:`).",
    )
    page_size: int = setting(100, "Items of one page of a search.", unit="items", ge=1, le=500)
    timeout_s: float = setting(30.0, "How long an attempt waits for an answer.", unit="s", gt=0)
    retries: int = setting(6, "How often a failed attempt is repeated.", unit="attempts", ge=0, le=20)
    backoff_s: float = setting(
        1.0, "Base of the pause between repetitions, which doubles each time, up to a minute.", unit="s", ge=0
    )
    longest_wait_s: float = setting(30.0, "Longest wait that a server's Retry-After is given.", unit="s", ge=1, le=600)
    radiometry: dict[str, Literal["as_published", "minus_1000"]] = setting(
        {},
        "By scene id or collection, whether 1,000 is subtracted from digital numbers, whatever flags, baselines and "
        "pixels say (`docs/radiometry.md`).",
    )
    on_reprocessed: Literal["keep", "replace"] = setting(
        KEEP,
        "Chips whose pass has a scene of a newer processing baseline by now: `keep` reports them, `replace` makes them "
        "and their vectors anew (`docs/outcomes.md`).",
    )


class Grid(Section):
    """Which cells there are."""

    ownership: Ownership = setting(
        "auto",
        "Version of the rule that says which cells there are near borders of UTM zones; `auto` is the one under which "
        "the AOI has published, else the newest (`docs/deploy.md`).",
    )


class Selection(Section):
    """Which scenes, passes and cells become chips.

    What is selected by `start_date` and `end_date` is not the month: they settle no scene for a run without them.
    """

    max_scene_cloud: float = setting(
        80.0, "Scenes with more cloud, by the catalogue's `eo:cloud_cover`, are not read.", unit="%", ge=0, le=100
    )
    min_clear_frac: Fraction = setting(
        0.7,
        "Least share of a cell's pixels that the scene classification calls clear; with less there is no chip.",
        unit="fraction",
    )
    max_nodata_frac: Fraction = setting(
        0.05, "Most share of a cell's pixels without data; with more there is no chip.", unit="fraction"
    )
    passes_per_month: int | None = setting(
        None,
        "Keeps the n clearest passes of each cell and month; null keeps every pass that is clear enough.",
        unit="passes",
        ge=1,
    )
    collections: tuple[Literal["sentinel-2-c1-l2a", "sentinel-2-l2a"], ...] = setting(
        COLLECTIONS, "Collections that are searched, preferred first: of two scenes of a pass the first one's is read."
    )
    start_date: date | None = setting(
        None, "First day (UTC) of the passes that are taken, e.g. 2024-07-05; null: the month's."
    )
    end_date: date | None = setting(None, "Last day (UTC) of the passes that are taken; null: the month's.")

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
    """Which encoder artefact runs, and how."""

    model: str = setting(
        "clay-v1.5",
        "Name of an encoder artefact: a folder below `<artifacts>/model/`; for the command also `--encoder`.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    )
    convention: Literal["tutorial", "training", "blank"] = setting(
        "tutorial", "How date and location are fed to the encoder; vectors of different conventions do not compare."
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = setting(
        "auto",
        "`auto`: the device's fastest one in which the encoder passes its self-check; others are used or refused.",
    )
    batch_size: int | None = setting(
        None, "Chips at once on a device; null finds the fastest by trial.", unit="chips", ge=1, le=1024
    )


class Change(Section):
    """What the table `changes` is made of, by the step publish (`docs/change.md`)."""

    detect: bool = setting(True, "Whether a run writes the changes of its months' cells: `on` or `off`.")
    min_clear_frac: Fraction = setting(
        0.9, "Chips with a smaller share of clear pixels are not compared.", unit="fraction"
    )
    max_snow_frac: Fraction = setting(0.1, "Chips with a larger share of snow are not compared.", unit="fraction")
    min_history: int = setting(
        6,
        "Earlier changes of one kind from which on a cell is judged by its own history, not by its neighbours.",
        unit="months",
        ge=3,
    )
    max_cells: int = setting(
        20_000,
        "Larger areas are not compared: the driver would hold the changes of all cells and of three years.",
        unit="cells",
        ge=1,
    )


class Limits(Section):
    """What a run may cost and lose, and how large it may be.

    `max_cells`: an area's first plan of a million cells takes 540 MB at the most, which a small MWAA worker (2 GB) has
    to spare beside Airflow's own processes.
    """

    budget_usd: float = setting(
        20.0, "A run whose estimate is higher fails in `gate`, before its cluster starts.", unit="USD", gt=0
    )
    max_failed_frac: Fraction = setting(
        0.02, "Most share of observations that may fail; above it nothing is published.", unit="fraction"
    )
    min_usable_frac: Fraction = setting(
        0.5,
        "Least share of a month's scenes in the catalogue that must be usable (pass named, no asset missing); below it "
        "the run fails before its cluster starts.",
        unit="fraction",
    )
    dry_run: bool = setting(False, "Plans and estimates only: no cluster, no cost. `claylake plan` sets it.")
    max_cells: int = setting(
        1_000_000,
        "Most cells of an AOI, by its area; a larger one is refused at once, with its cost and how to cut it.",
        unit="cells",
        ge=100,
    )


class Schedule(Section):
    """When an AOI's months are made, whose turn it is, and how long a failed task waits for its next attempt."""

    start_month: str = setting("2024-01", "First month that the AOI's DAG makes, as yyyy-mm, from 2015-06 on.")
    settle_days: int = setting(
        10,
        "A month's run is released so many days after the month has ended, for late scenes.",
        unit="days",
        ge=0,
        le=60,
    )
    priority: int = setting(
        0,
        "Head start of the AOI's runs where runs wait for a cluster: each is served as if it had come so many hours "
        "earlier; below 0, later. So a run is overtaken for so long at most, and none waits for ever.",
        unit="hours",
        ge=-720,
        le=720,
    )
    adhoc_runs: int = setting(
        16,
        "Runs of `claylake_adhoc` that go side by side, waiting ones included; in `settings.yaml` only.",
        unit="runs",
        ge=1,
        le=200,
    )
    retry_delay_s: float = setting(
        60.0,
        "Pause before a failed task's next attempt; it doubles each time, up to 10 minutes.",
        unit="s",
        ge=0,
        le=3600,
    )

    @field_validator("start_month", mode="before")
    @classmethod
    def _month(cls, value: object) -> str:
        month = Month.parse(str(value))
        require_observed(month)
        return f"{month}"


class Prices(Section):
    """Prices that estimates are made with: us-east-1 list prices noted in 2026-09, to be overridden."""

    instance_usd_h: dict[str, float] = setting(
        {
            "g4dn.xlarge": 0.526,
            "g5.xlarge": 1.006,
            "g5.2xlarge": 1.212,
            "g5.4xlarge": 1.624,
            "g5.12xlarge": 5.672,
            "g6.xlarge": 0.8048,
            "g6.2xlarge": 0.9776,
            "g6.4xlarge": 1.3232,
            "g6.12xlarge": 4.6016,
            "m7i.xlarge": 0.2016,
            "m7i.2xlarge": 0.4032,
            "m7i.4xlarge": 0.8064,
            "r7i.xlarge": 0.2646,
            "r7i.2xlarge": 0.5292,
            "r7i.4xlarge": 1.0584,
            "c7i.xlarge": 0.1785,
        },
        "By instance type, on demand. Every type that a run may use needs a price.",
        unit="USD/h",
    )
    emr_factor: float = setting(0.25, "EMR's fee, as a share of the on-demand price.", unit="fraction", ge=0)
    spot_factor: float = setting(
        0.4, "What spot capacity costs, as a share of the on-demand price.", unit="fraction", gt=0, le=1
    )
    s3_usd_gb_month: float = setting(
        0.023,
        "S3's price in its standard class: what keeping a year of chips costs.",
        unit="USD for a GB and month",
        ge=0,
    )
    gp3_usd_gb_month: float = setting(
        0.08, "Price of the nodes' gp3 disks by size.", unit="USD for a GB and month", ge=0
    )
    gp3_usd_mib_s_month: float = setting(
        0.04,
        "Price of their throughput above 125 MiB/s, which are in the price of the size.",
        unit="USD for a MiB/s and month",
        ge=0,
    )
    spot_interruptions_h: float = setting(
        0.01,
        "Share of spot nodes that EC2 is assumed to take back within an hour: an assumption, never measured here "
        "(`docs/cluster.md`).",
        unit="fraction",
        ge=0,
        le=1,
    )


class Settings(Section):
    """All settings of a run."""

    catalogue: Catalogue = Catalogue()
    grid: Grid = Grid()
    selection: Selection = Selection()
    encoder: Encoder = Encoder()
    cluster: Cluster = Cluster()
    change: Change = Change()
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
