"""A run of the step extract on a number of slots, as a simulation of events.

Scenes are dealt by the functions that deal them in a run: `batches` and `deal`. Tasks begin in their order, each on the
slot that is free first. One thread reads batches, another gathers the next one's cells and commits the last one.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from claylake.vocabulary import CHIPS
from spark.bench.scale.workload import blocks_of
from spark.extraction.batches import batches, deal
from spark.lake.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark.bench.scale.costs import Costs
    from spark.bench.scale.workload import Workload
    from spark.extraction.batches import CellToRead

_PREFIX = TABLES[CHIPS].geohash_prefix


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task: its chips, the files that they go to, and the blocks that they lie in."""

    chips: int
    files: int
    blocks: int

    @classmethod
    def of(cls, cells: Sequence[CellToRead]) -> Task:
        """By the cells that it reads."""
        return cls(chips=len(cells), files=len({cell.geohash[:_PREFIX] for cell in cells}), blocks=blocks_of(cells))

    def seconds(self, costs: Costs) -> float:
        """Of a worker that has started."""
        return costs.slow * (costs.open_s + self.blocks * costs.block_s + self.chips * costs.chip_s)


@dataclass(frozen=True, kw_only=True)
class Dealt:
    """A batch before it is read: its number of scenes, and its tasks in the order in which they begin."""

    scenes: int
    tasks: tuple[Task, ...]

    @property
    def chips(self) -> int:
        """Of all tasks."""
        return sum(task.chips for task in self.tasks)

    @property
    def files(self) -> int:
        """Of all tasks."""
        return sum(task.files for task in self.tasks)

    @property
    def blocks(self) -> int:
        """Of all tasks: those that two share count twice."""
        return sum(task.blocks for task in self.tasks)


def dealt(load: Workload, slots: int, *, cut: int = 1) -> tuple[Dealt, ...]:
    """All batches of a step, as a run would deal them.

    Args:
        load: what there is to do.
        slots: tasks that run at a time.
        cut: scenes are cut as if there were so many times the slots; 1 is what a run does.
    """
    found = []
    for batch in batches(load.wanted, slots):
        grouped = {scene_id: load.of(scene_id) for scene_id in batch.scene_ids}
        tasks = tuple(Task.of(cells) for _, cells in deal(grouped, slots * cut))
        found.append(Dealt(scenes=len(grouped), tasks=tasks))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class BatchRun:
    """A batch, and seconds from the step's first: `due` (slots free), `begun` (tasks began), `read`, `committed`."""

    batch: Dealt
    due: float
    begun: float
    read: float
    committed: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """A step: seconds of observing, then its batches; `work`: seconds of all tasks."""

    slots: int
    observing: float
    work: float
    batches: tuple[BatchRun, ...]

    @property
    def reading(self) -> float:
        """Seconds from the first batch's cells to the last one's commit."""
        return self.batches[-1].committed

    @property
    def idle(self) -> float:
        """Of all slots and seconds while batches were read and committed, the share in which no task ran."""
        return 1 - self.work / (self.slots * self.reading)

    @property
    def waiting_for_driver(self) -> float:
        """Share of the time in which no task ran: the next batch was not dealt yet, or the last one was committed."""
        tail = self.batches[-1].committed - self.batches[-1].read
        return (sum(one.begun - one.due for one in self.batches) + tail) / self.reading


def simulate(load: Workload, work: Sequence[Dealt], slots: int, costs: Costs) -> Run:
    """A whole step.

    Args:
        load: what there is to do.
        work: the same, dealt.
        slots: tasks that run at a time.
        costs: of its parts.
    """
    done: list[BatchRun] = []
    warm, read, main = 0, 0.0, 0.0
    for batch in work:
        due, ready = read, main + batch.chips * costs.gather_s
        # The batch before is read by then; its commit goes on beside this one's tasks.
        taken = max(ready, due)
        begun = taken + batch.chips * costs.deal_s
        main = taken
        if done:
            main += commit_s(done[-1].batch.files, costs)
            done[-1] = replace(done[-1], committed=main)
        free = [begun] * warm + [begun + costs.worker_s] * (slots - warm)
        read = _last(free, [task.seconds(costs) for task in batch.tasks])
        warm = max(warm, min(slots, len(batch.tasks)))
        done.append(BatchRun(batch=batch, due=due, begun=begun, read=read, committed=math.inf))
    done[-1] = replace(done[-1], committed=max(main, read) + commit_s(done[-1].batch.files, costs))
    observing = _last([0.0] * slots, [seen.candidates * costs.observe_s for seen in load.scenes.values()])
    spent = sum(task.seconds(costs) for batch in work for task in batch.tasks)
    return Run(slots=slots, observing=observing, work=spent, batches=tuple(done))


def commit_s(files: int, costs: Costs) -> float:
    """Seconds of a commit."""
    return costs.commit_s + files * costs.commit_file_s


def _last(free: list[float], seconds: Sequence[float]) -> float:
    """When the last of some tasks ends, each begun in its turn on the slot that is free first.

    Args:
        free: when slots are; changed.
        seconds: of the tasks.
    """
    heapq.heapify(free)
    ends = 0.0
    for each in seconds:
        end = free[0] + each
        heapq.heapreplace(free, end)
        ends = max(ends, end)
    return ends
