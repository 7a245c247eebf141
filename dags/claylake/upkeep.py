"""What tidying the tables leaves behind, whoever does it: the run's own step, or Glue's table optimizers."""

from __future__ import annotations

from pydantic import Field

from claylake.section import Section


class Retention(Section):
    """What outlives tidying: snapshots by age (days) and number, files that no snapshot knows by age (days)."""

    snapshot_days: int = Field(default=7, ge=1)
    keep_snapshots: int = Field(default=5, ge=1)
    orphan_days: int = Field(default=4, ge=3)


class Maintenance(Retention):
    """Iceberg upkeep after each run; branches of dead runs live for `stale_branch_days`."""

    stale_branch_days: int = Field(default=30, ge=1)

    @property
    def retention(self) -> Retention:
        """The part that Glue's optimizers can have."""
        return Retention(**self.model_dump(include=set(Retention.model_fields)))


class Optimizers(Retention):
    """Glue's table optimizers, with the limits that they were deployed with.

    Attributes:
        catalog_id: Glue's catalogue, which is the account's number.
    """

    catalog_id: str = Field(pattern=r"^\d{12}$")

    def differences(self, wanted: Retention) -> list[str]:
        """Limits that a run wants otherwise, e.g. ``snapshot_days 30 (the optimizers have 7)``."""
        return [
            f"{name} {getattr(wanted, name)} (the optimizers have {getattr(self, name)})"
            for name in Retention.model_fields
            if getattr(wanted, name) != getattr(self, name)
        ]
