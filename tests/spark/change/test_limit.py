"""Areas that are too large for the driver are left out, before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from claylake.configuration.settings import Change
from spark.change.run import write_changes


@dataclass(frozen=True)
class Area:
    """As much of a scope as is looked at first."""

    plan: Any
    cells: pa.Table


def test_an_area_of_more_cells_than_the_setting_is_left_out_and_counted(caplog):
    plan = SimpleNamespace(settings=SimpleNamespace(change=Change(max_cells=8)), branch="b")
    area = Area(plan, pa.table({"cell_id": [str(number) for number in range(9)]}))
    assert write_changes(None, area, {}).counts == {"too_many_cells": 9}
    assert "9 cells, and change.max_cells is 8" in caplog.text
