"""Limits of table maintenance, by the run's own step or by Glue's table optimizers."""

from __future__ import annotations

from typing import Final

from claylake.configuration.section import Section, setting


class Retention(Section):
    """What maintenance keeps: snapshots by age (days) and number, orphan files by age (days)."""

    snapshot_days: int = setting(
        7, "Snapshots older than this expire, as far as `keep_snapshots` allows.", unit="days", ge=1
    )
    keep_snapshots: int = setting(
        5, "So many of the newest snapshots stay, whatever their age.", unit="snapshots", ge=1
    )
    orphan_days: int = setting(
        4, "Files that no snapshot names are removed once they are older than this.", unit="days", ge=3
    )


class Maintenance(Retention):
    """Maintenance of the tables after each run.

    Each run compacts what it wrote. Work on a whole table is done by the first run after so many days, or by each run
    where the number is 0.
    """

    stale_branch_days: int = setting(
        30, "A run's branch is dropped when no run has opened it for so long.", unit="days", ge=1
    )
    chips_keep_months: int | None = setting(
        None,
        "Pixels of the last so many whole months are kept, and of the present one; null keeps all. "
        "Vectors and observations always stay. It holds for every AOI: only the lake's `settings.yaml` may set it.",
        unit="months",
        ge=1,
    )
    expire_every_days: int = setting(
        1, "Old snapshots expire in the first run after so many days; 0: in each run.", unit="days", ge=0
    )
    orphans_every_days: int = setting(
        7,
        "Orphan files are removed in the first run after so many days; 0: in each run. It lists all files.",
        unit="days",
        ge=0,
    )
    compact_all_every_days: int = setting(
        30,
        "Partitions that no run came to are compacted in the first run after so many days; 0: in each run.",
        unit="days",
        ge=0,
    )

    @property
    def retention(self) -> Retention:
        """The part that Glue's optimizers can have."""
        return Retention(**self.model_dump(include=set(Retention.model_fields)))


LAKE_WIDE: Final = ("chips_keep_months",)
"""Settings of maintenance that no AOI file and no run may set: what one run deletes, all others lose."""


class Optimizers(Retention):
    """Glue's table optimizers, with the limits that they were deployed with."""

    catalog_id: str = setting(..., "Glue's catalogue, which is the account's number.", pattern=r"^\d{12}$")

    def differences(self, wanted: Retention) -> list[str]:
        """Limits in which a run's settings differ, e.g. ``snapshot_days 30 (the optimizers have 7)``."""
        return [
            f"{name} {getattr(wanted, name)} (the optimizers have {getattr(self, name)})"
            for name in Retention.model_fields
            if getattr(wanted, name) != getattr(self, name)
        ]
