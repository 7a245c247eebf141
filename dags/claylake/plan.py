"""The plan: what one run is to do. Every EMR step gets its URI and nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from claylake import store
from claylake.area.rule import Rule
from claylake.configuration.settings import Deployed, Layout, Local, Selection, Settings
from claylake.errors import StoreError
from claylake.month import Month

if TYPE_CHECKING:
    from datetime import datetime

FORMAT: Literal[1] = 1
PLAN = "plan.json"
CELLS = "cells.parquet"
MANIFEST = "scenes.ndjson.gz"
RECEIPT = "receipt.json"
REPORT = "report/index.html"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunRef(_Value):
    """The DAG run that the plan is for."""

    dag_id: str
    run_id: str


class Found(_Value):
    """What the catalogue search gave, counted so that nothing is silent.

    `items` = `unusable` + `other_month` + `other_date` + `too_cloudy` + `settled` + `kept`.
    """

    items: int = 0
    unusable: dict[str, int] = {}
    other_month: int = 0
    other_date: int = 0
    too_cloudy: int = 0
    settled: int = 0
    kept: int = 0

    @property
    def usable(self) -> int:
        """Scenes of the months that could be read, whether or not they are to be."""
        return self.other_date + self.too_cloudy + self.settled + self.kept

    @property
    def listed(self) -> int:
        """Scenes of the months, unusable ones among them."""
        return self.usable + sum(self.unusable.values())


class UsableScenes(_Value):
    """Scenes that the catalogue lists of one month, and those of them that could be read."""

    listed: int = 0
    usable: int = 0


class Choice(_Value):
    """The cluster's layout, why it was chosen, and what each layout considered would cost (US dollars)."""

    layout: Layout
    why: str
    usd: dict[Layout, float]


class MoreNodes(_Value):
    """Numbers of units, by the key of the settings' section cluster, and what the run would take with them."""

    counts: dict[str, int]
    cluster_hours: float
    usd: float

    @property
    def text(self) -> str:
        """E.g. ``gpu_count 8: 12.10 USD, 1.6 h``."""
        named = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        return f"{named}: {self.usd:.2f} USD, {self.cluster_hours:.1f} h"


class Estimate(_Value):
    """What the run is expected to take: counts, gigabytes, hours and US dollars.

    `lost_hours` of `cluster_hours` are what the loss of spot nodes is expected to cost, `disks_usd` of `usd` what the
    nodes' disks do. `choice` is None where no layout was chosen: then that of the settings holds. `more_nodes` is None
    where more nodes would cost more, or save little.
    """

    scenes: int
    cells: int
    candidates: int
    chips: int
    read_gb: float
    store_gb: float
    gpu_hours: float
    cluster_hours: float
    lost_hours: float = 0.0
    usd: float
    disks_usd: float = 0.0
    instances: dict[str, int]
    assumptions: tuple[str, ...] = ()
    choice: Choice | None = None
    more_nodes: MoreNodes | None = None


class KeptYear(_Value):
    """What a year of the area's chips and vectors takes in S3: gigabytes, and US dollars a month."""

    chips: int
    chips_gb: float
    vectors_gb: float
    chips_usd_month: float
    vectors_usd_month: float

    @property
    def text(self) -> str:
        """One line for people."""
        return (
            f"a year of such months is {self.chips:,} chips: {self.chips_gb:,.1f} GB, {self.chips_usd_month:,.2f} USD "
            f"a month in S3, and vectors of {self.vectors_gb:,.2f} GB, {self.vectors_usd_month:,.2f} USD"
        )


class Plan(_Value):
    """What one run is to do, and with which settings.

    `work`: ``full`` (scenes to read), ``vectors`` (only embeddings are missing) or ``nothing``.
    `ownership` is the version of the rule by which the cells exist (`claylake.area.rule`).
    `candidates` of the estimate are the (cell, pass) pairs to be observed (`claylake.catalogue.candidates`).
    `usable` counts scenes by month (``yyyy-mm``), as far as the month of an unusable one is known. `remarks` are
    sentences for people (`claylake.run.remarks`). `kept_year` is None where the run makes no chips, or on this machine.
    """

    format: Literal[1] = FORMAT
    run: RunRef
    aoi_name: str
    aoi_geometry: dict[str, object]
    months: tuple[str, ...] = Field(min_length=1)
    folder: str
    work: Literal["full", "vectors", "nothing"]
    cells: int
    ownership: Rule = 1
    cells_digest: str
    selection_digest: str
    missing_vectors: int
    found: Found
    usable: dict[str, UsableScenes] = {}
    remarks: tuple[str, ...] = ()
    estimate: Estimate
    kept_year: KeptYear | None = None
    model_version: str
    settings: Settings

    @classmethod
    def load(cls, uri: str) -> Self:
        """Read a plan.

        Raises:
            StoreError: if it is not there, or is of another format.
        """
        try:
            return cls.model_validate_json(store.read(uri))
        except ValueError as error:
            msg = f"{uri} is not a plan of format {FORMAT}: {error}"
            raise StoreError(msg) from error

    def save(self) -> str:
        """Write it to the run folder; gives its URI."""
        return store.write(self.uri(PLAN), self.model_dump_json(indent=1).encode(), "application/json")

    def uri(self, name: str) -> str:
        """URI of one of the run folder's objects."""
        return store.join(self.folder, name)

    @property
    def start(self) -> datetime:
        """First instant of the months, UTC."""
        return Month.parse(self.months[0]).start

    @property
    def end(self) -> datetime:
        """First instant after the months, UTC."""
        return Month.parse(self.months[-1]).end

    @property
    def period(self) -> str:
        """``yyyy-mm``, or ``yyyy-mm/yyyy-mm``."""
        return self.months[0] if len(self.months) == 1 else f"{self.months[0]}/{self.months[-1]}"

    @property
    def branch(self) -> str:
        """Iceberg branch of this work.

        A function of the work, not of the attempt, so that a later run of the same work adopts
        what a failed one has left.
        """
        work = json.dumps([self.aoi_name, self.months, self.cells_digest, self.selection_digest])
        name = self.aoi_name.replace("-", "_")[:24]
        return f"run_{name}_{self.months[0].replace('-', '')}_{hashlib.sha256(work.encode()).hexdigest()[:10]}"

    @property
    def layout(self) -> Layout:
        """Layout of the run's cluster."""
        choice = self.estimate.choice
        return choice.layout if choice else self.settings.cluster.layout

    @property
    def where(self) -> Deployed | Local:
        """Where the run's lake is."""
        return self.settings.where

    @property
    def deployed(self) -> Deployed:
        """What is deployed on AWS.

        Raises:
            SettingsError: the run's lake is not there.
        """
        return self.settings.on_aws

    @property
    def database(self) -> str:
        """Database of the tables."""
        return self.where.database

    @property
    def warehouse(self) -> str:
        """Root of the tables' files."""
        return store.join(self.where.lake, "tables")


def selection_digest(selection: Selection) -> str:
    """Digest of what decides which chips there are: sha256, first 16 hex digits.

    Settings that came later count only where they are set: lakes of before keep their digests.
    """
    later = {name for name in ("start_date", "end_date") if getattr(selection, name) is None}
    return hashlib.sha256(selection.model_dump_json(exclude=later).encode()).hexdigest()[:16]


def run_folder(lake: str, dag_id: str, first_month: Month, run_id: str) -> str:
    """``s3://<lake>/runs/<pipeline>/<yyyy-mm>/<run id>``; characters that URLs trip over become ``_``.

    Args:
        lake: ``s3://`` address of the lake.
        dag_id: names the pipeline.
        first_month: of the run.
        run_id: Airflow's.
    """
    safe = "".join(char if char.isalnum() or char in "-._" else "_" for char in run_id)
    return store.join(lake, "runs", dag_id, str(first_month), safe)
