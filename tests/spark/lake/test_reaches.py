"""Which files may share a key, by metadata: never too few, and none where nothing can be shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.lake import branches, compaction, merge, names, rebuild
from spark.lake.append import Appender
from spark.lake.opening import open_branches
from spark.lake.reaches import Reach
from spark.lake.scope import Scope
from tests.spark.lake import rows
from tests.spark.lake.test_append import written

if TYPE_CHECKING:
    from collections.abc import Sequence

CELLS = rows.CELLS_3X3
FAR = "32629_190_1342"
DAY_US = 24 * 3600 * 10**6
KEYS = st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=6)


def reach(keys: Sequence[str], times: tuple[int, int] | None) -> Reach:
    """With bounds as Iceberg cuts them, here at two characters."""
    low, high = min(keys)[:2], max(keys)
    if len(high) > 2:
        high = high[0] + chr(ord(high[1]) + 1)
    return Reach(uri="", partition="", keys={"id": (low.encode(), high.encode())}, times=times)


@given(KEYS, KEYS, st.tuples(st.integers(0, 5), st.integers(0, 5)))
def test_files_that_share_a_key_meet(one: Sequence[str], other: Sequence[str], days: tuple[int, int]) -> None:
    first, second = (
        reach(keys, (day * DAY_US, day * DAY_US + 9)) for keys, day in zip((one, other), days, strict=True)
    )
    assert first.meets(second) == second.meets(first)
    if set(one) & set(other) and days[0] == days[1]:
        assert first.meets(second)
    if days[0] != days[1] or (max(one) < min(other) and max(one)[:2] < min(other)[:2] and len(max(one)) <= 2):
        assert not first.meets(second)
    assert reach(one, None).meets(reach(one, (0, 9)))


def published(spark, plan, chips):
    """Main moved by another run's rows, as a fast-forward would."""
    rows.frame(spark, "chips", chips).writeTo(names.main_table(plan, "chips")).append()


@pytest.mark.slow
def test_keys_are_compared_only_where_they_may_be_shared(spark, make_plan, monkeypatch):
    plan = make_plan(cells=(*CELLS, FAR))
    open_branches(spark, plan)
    scope, table = Scope.of(plan), names.main_table(plan, "chips")
    appender = Appender(spark=spark, scope=scope, name="chips")
    appender.begin()
    made = [rows.chip(cell, rows.PASS_A) for cell in (*CELLS, FAR)]
    files = written(appender, "one", made)
    appender.append(files, "one")
    compared, real = [], rebuild._in_common

    def counted(spark_, plan_, scope_, name, of):
        compared.append(sorted(of))
        return real(spark_, plan_, scope_, name, of)

    monkeypatch.setattr(rebuild, "_in_common", counted)
    # Another month, then a compaction: nothing can be shared, and nothing is read.
    published(spark, plan, [rows.chip(CELLS[0], rows.PASS_AUGUST)])
    done = rebuild.rebuild(spark, plan, scope, "chips")
    assert (done.rows, done.shared, done.copied) == (10, 0, 0)
    published(spark, plan, [rows.chip(CELLS[1], rows.PASS_AUGUST)])
    monkeypatch.setattr(compaction, "MIN_FILES", 2)
    august = make_plan("august", months=("2024-08",))
    assert compaction.compact(spark, Scope.of(august), "chips") == 2
    done = rebuild.rebuild(spark, plan, scope, "chips")
    assert (done.rows, done.shared, done.copied) == (10, 0, 0)
    # Another pass of the same partition: its times are far enough away.
    published(spark, plan, [rows.chip(CELLS[0], rows.PASS_B)])
    done = rebuild.rebuild(spark, plan, scope, "chips")
    assert compared == [[], [], []]
    # A key of the same pass: one file is compared, and copied without it.
    published(spark, plan, [rows.chip(FAR, rows.PASS_A)])
    done = rebuild.rebuild(spark, plan, scope, "chips")
    assert (done.rows, done.shared, done.copied) == (9, 1, 0)
    assert compared[3:] == [[file.uri for file in files if len(file.keys) == 1]]
    # A neighbour, whose key lies within the bounds of ours: compared, and taken along.
    published(spark, plan, [rows.chip(CELLS[0], rows.PASS_A.replace("S2A", "S2C"))])
    done = rebuild.rebuild(spark, plan, scope, "chips")
    assert (done.rows, done.shared, done.copied) == (9, 0, 0)
    lacking = merge.keys(spark, names.branch_table(plan, "chips"), rebuild.TABLES["chips"], scope.bounds("chips"))
    assert lacking.distinct().count() == lacking.count() == 12
    branches.drop(spark, plan)
    assert spark.table(table).count() == 5
