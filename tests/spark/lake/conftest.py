"""Plans and rows for a small area: 3 x 3 cells in UTM 29N, two months."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.spark.conftest import LAKE
from tests.spark.lake.rows import PlanMaker

if TYPE_CHECKING:
    from infra.local.client import StackInfo

_databases = (f"lake{number}" for number in itertools.count())


@pytest.fixture
def make_plan(stack: StackInfo) -> PlanMaker:
    """Makes plans of one fresh database, their cells.parquet and plan.json saved."""
    return PlanMaker(lake=LAKE, database=next(_databases))
