"""Limits of table maintenance, by the run's own step or by Glue's table optimizers."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from claylake.configuration.section import Section


class Retention(Section):
    """What maintenance keeps: snapshots by age (days) and number, orphan files by age (days)."""

    snapshot_days: int = Field(default=7, ge=1)
    keep_snapshots: int = Field(default=5, ge=1)
    orphan_days: int = Field(default=4, ge=3)


class Maintenance(Retention):
    """Maintenance of the tables after each run.

    A branch is dropped when no run has opened it for `stale_branch_days`. Of `chips` the last `chips_keep_months` whole
    months are kept, and the present one; None keeps all. That is of the lake, for every AOI: see `LAKE_WIDE`.

    Each run compacts what it wrote. Work on a whole table is done by the first run after so many days: snapshots
    expire, orphan files are removed, and partitions are compacted that no run came to. 0: at each run.
    """

    stale_branch_days: int = Field(default=30, ge=1)
    chips_keep_months: int | None = Field(default=None, ge=1)
    expire_every_days: int = Field(default=1, ge=0)
    orphans_every_days: int = Field(default=7, ge=0)
    compact_all_every_days: int = Field(default=30, ge=0)

    @property
    def retention(self) -> Retention:
        """The part that Glue's optimizers can have."""
        return Retention(**self.model_dump(include=set(Retention.model_fields)))


LAKE_WIDE: Final = ("chips_keep_months",)
"""Settings of maintenance that no AOI file and no run may set: what one run deletes, all others lose."""


class Optimizers(Retention):
    """Glue's table optimizers, with the limits that they were deployed with.

    Attributes:
        catalog_id: Glue's catalogue, which is the account's number.
    """

    catalog_id: str = Field(pattern=r"^\d{12}$")

    def differences(self, wanted: Retention) -> list[str]:
        """Limits in which a run's settings differ, e.g. ``snapshot_days 30 (the optimizers have 7)``."""
        return [
            f"{name} {getattr(wanted, name)} (the optimizers have {getattr(self, name)})"
            for name in Retention.model_fields
            if getattr(wanted, name) != getattr(self, name)
        ]
