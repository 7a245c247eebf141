"""Candidates that the driver holds give what those in Spark give: the same choice, observations, counts, sentences."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from claylake.chips_kept import PROPERTY
from spark.extraction.existing import COLUMNS, existing_chips, few_existing_chips
from spark.extraction.observed_few import FewObserved
from spark.extraction.observed_many import ManyObserved
from spark.extraction.observing import OBSERVED
from spark.extraction.outcomes import observations
from spark.extraction.read_failures import ReadFailures
from spark.lake.columns import Columns
from spark.lake.opening import open_branches
from spark.lake.scope import Scope, read_cells_table
from spark.lake.tables import FRACTIONS, SECOND_SCENE, TABLES
from spark.sentinel2.choose import Rules
from tests.spark.extract.test_job import bbox
from tests.spark.jobs import jobs_of

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

    from claylake.plan import Plan
    from tests.spark.extract.conftest import PlanMaker

pytestmark = pytest.mark.slow
MONTH = datetime(2020, 2, 1, tzinfo=UTC)
PASSES = [f"S2A_202002{day:02}T112111" for day in (4, 9, 14)]
CELLS = [f"32629_{col}_1342" for col in range(156, 162)]
BASELINES = ["02.14", "05.00", "05.11", "odd", None]
EXISTING = Columns(
    {
        "cell_id": "string",
        "pass": "string",
        "datetime": "timestamp",
        "scene_id": "string",
        SECOND_SCENE: "string",
        "baseline": "string",
    }
) + Columns(dict.fromkeys(("scl_mean", *FRACTIONS), "float"))


class _Scene:
    """What `observations` needs of a scene."""

    def __init__(self, scene_id: str, number: int) -> None:
        self.id, self.datetime = scene_id, MONTH + timedelta(days=number, microseconds=number)


def world(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], ReadFailures, list[_Scene]]:
    """Rows of `OBSERVED`, rows of chips that exist, and what could not be read."""
    of = random.Random(seed)
    scenes = [
        _Scene(f"{pass_id}_{part}", 3 * number + part) for number, pass_id in enumerate(PASSES) for part in (0, 1)
    ]
    rows, chips, failures = [], [], ReadFailures()
    for place, scene in enumerate(scenes):
        baseline = of.choice(BASELINES)
        if of.random() < 0.2:
            failures.quarantined[scene.id] = "in doubt"
        for cell_id in CELLS:
            if of.random() < 0.2:
                continue
            problem = of.choice([None] * 4 + ["unreadable", "missing_asset"])
            known = {name: None if problem else round(of.random(), 2) for name in FRACTIONS}
            known |= {
                "nodata_frac": None if problem else of.choice([0.0, 0.01, 0.5]),
                "scl_mean": None if problem else 4.5,
            }
            row = {
                "cell_id": cell_id,
                "pass": scene.id[:-2],
                "scene_id": scene.id,
                SECOND_SCENE: None,
                "preference": place,
            }
            row |= known
            row |= {"baseline": baseline, "problem": problem, "detail": problem and f"{problem} at {cell_id}"}
            rows.append(row | {"requests": of.randrange(9), "downloaded": of.randrange(9), "seconds": of.random()})
            if of.random() < 0.15:
                failures.cells[cell_id, scene.id, None] = ("unreadable", of.choice([None, "cut short"]))
    for cell_id in CELLS:
        for pass_id in PASSES:
            if seed and of.random() < 0.4:
                shown = {name: np.float32(of.random()).item() for name in ("scl_mean", *FRACTIONS)}
                chip = {"cell_id": cell_id, "pass": pass_id, "datetime": MONTH, "baseline": of.choice(BASELINES)}
                second = {SECOND_SCENE: of.choice([f"{pass_id}_1", None])}
                chips.append(chip | shown | second | {"scene_id": of.choice([f"{pass_id}_0", None])})
    return rows, chips, failures if of.random() < 0.8 else ReadFailures(), scenes


def plain(row: dict[str, Any]) -> tuple[Any, ...]:
    """A row of observations as the table keeps it: fractions of 32 bits, times as moments."""
    values = []
    for name, kind in TABLES["observations"].columns.kinds.items():
        value = row[name]
        if kind == "float" and value is not None:
            value = np.float32(value).item()
        if isinstance(value, datetime):
            value = (value if value.tzinfo else value.astimezone(UTC)).timestamp()
        values.append(tuple(value) if isinstance(value, list) else value)
    return tuple(map(repr, values))


@pytest.mark.parametrize(
    ("seed", "rules"),
    [
        (0, Rules(min_clear_frac=0.3, max_nodata_frac=0.05, passes_per_month=None)),
        (1, Rules(min_clear_frac=0.3, max_nodata_frac=0.05, passes_per_month=None, replaces=True)),
        (2, Rules(min_clear_frac=0.1, max_nodata_frac=0.9, passes_per_month=1)),
        (3, Rules(min_clear_frac=0.3, max_nodata_frac=0.05, passes_per_month=2, replaces=True)),
    ],
)
def test_both_conclude_the_same(spark: SparkSession, make_plan: PlanMaker, seed: int, rules: Rules) -> None:
    rows, chips, failures, scenes = world(seed)
    observed, there = OBSERVED.frame(spark, rows), EXISTING.frame(spark, chips).persist()
    many = ManyObserved(observed, lambda: there, rules)
    few = FewObserved(observed, lambda wanted: collected(there, wanted), rules)
    assert (few.number, few.planned()) == (many.number, many.planned()) == (len(rows), few.planned())
    ours, theirs = few.by_scene(), many.by_scene()
    assert ours.keys() == theirs.keys()
    for scene_id, one in ours.items():
        assert one.candidates == theirs[scene_id].candidates
        assert one.reading.requests == theirs[scene_id].reading.requests
        assert one.reading.seconds == pytest.approx(theirs[scene_id].reading.seconds)
    left, right = few.choose(failures), many.choose(failures)
    assert Counter(left.counts()) == Counter(right.counts())
    ids = [scene.id for scene in scenes[:4]]
    assert sorted(map(key, left.wanted(ids))) == sorted(map(key, right.wanted(ids)))
    assert left.by_outcome(replaces=rules.replaces) == right.by_outcome(replaces=rules.replaces)
    assert left.newer_processings("why") == right.newer_processings("why")

    plan = make_plan(bbox(), [])
    scope = Scope(plan=plan, cells=pa.table({"cell_id": CELLS, "geohash": ["ev2ya11"] * len(CELLS)}))
    made = observations(plan, right.chosen, there, scope.cells, scenes, MONTH)
    assert sorted(map(plain, left.observations(scope, scenes, MONTH))) == sorted(
        plain(row.asDict()) for row in made.collect()
    )
    right.release()
    there.unpersist()


def key(row: dict[str, Any]) -> tuple[str, ...]:
    return row["cell_id"], row["scene_id"], repr(row["clear_frac"])


def collected(there: Any, wanted: Any) -> pd.DataFrame:
    return there.where(there["cell_id"].isin(list(wanted))).select(*COLUMNS).toPandas()


def test_chips_are_searched_where_there_may_be_some(spark: SparkSession, make_plan: PlanMaker) -> None:
    plan: Plan = make_plan(bbox(), [])
    open_branches(spark, plan)
    cells = read_cells_table(plan)
    wanted = cells["cell_id"].to_pylist()
    found: list[pd.DataFrame] = []
    assert jobs_of(spark, lambda: found.append(few_existing_chips(spark, plan, cells, wanted))) == 0
    assert tuple(found[0].columns) == COLUMNS
    assert len(found[0]) == existing_chips(spark, plan, cells).count() == 0
    # Of months that have ended there may be chips without a file.
    spark.sql(f"ALTER TABLE lake.{plan.database}.chips SET TBLPROPERTIES ('{PROPERTY}' = '2020-03')")
    assert jobs_of(spark, lambda: few_existing_chips(spark, plan, cells, wanted)) > 0
