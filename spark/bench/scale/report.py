"""What a simulated step takes on a cluster: hours, requests, bytes, dollars, and the limit that is nearest."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from claylake.cluster import prices
from claylake.cluster.estimate import START_H
from claylake.cluster.shape import Shape, shape_of
from claylake.configuration.settings import Settings
from spark.bench.scale.simulate import Run, commit_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from spark.bench.scale.costs import Costs, Limits, Requests
    from spark.bench.scale.workload import Workload

FILES_A_LIST = 1_000


@dataclass(frozen=True, kw_only=True)
class Found:
    """One cluster's figures. Shares are of the time in which chips are read and committed.

    `cut_s`: seconds of reading and committing, were scenes cut for so many times the slots. `usd_cluster`: with the
    cluster's start, without embedding and what comes after. `limits`: what is used of each, 1 where it is reached.
    """

    kind: str
    nodes: int
    slots: int
    chips: int
    scenes: int
    tasks: int
    observing_s: float
    reading_s: float
    cut_s: dict[str, float]
    hours: float
    idle: float
    waiting_for_driver: float
    commits: int
    files: int
    metadata_mb: float
    get: int
    put: int
    lists: int
    glue: int
    fetched_gb: float
    written_gb: float
    driver_mb: float
    usd_cluster: float
    usd_requests: float
    limits: dict[str, float]

    @property
    def breaks_first(self) -> str:
        """The limit of which most is used, by name."""
        return max(self.limits, key=self.limits.__getitem__)


def shape(nodes: int) -> Shape:
    """A cluster of that many nodes of the default CPU types, whatever the settings allow."""
    settings = Settings()
    usual = shape_of(settings.cluster, "cpu")
    return replace(usual, core=replace(usual.core, units=nodes))


def slots_of(cluster: Shape) -> int:
    """Tasks that run at a time: one vCPU of each node stays for others, as in `spark.executor.cores` of a step."""
    return cluster.core.units * min((kind.vcpus - 1) // cluster.core.weight(kind) for kind in cluster.core.types)


def found(
    load: Workload, run: Run, cut: Mapping[int, Run], cluster: Shape, costs: Costs, limits: Limits, requests: Requests
) -> Found:
    """The figures of one run.

    Args:
        load: what was done.
        run: how it went.
        cut: how it would go, were scenes cut for so many times the slots.
        cluster: on which.
        costs: unit costs.
        limits: of services and settings.
        requests: their prices.
    """
    done = [one.batch for one in run.batches]
    files = sum(batch.files for batch in done)
    tasks, blocks = sum(len(batch.tasks) for batch in done), sum(batch.blocks for batch in done)
    gets = round(tasks * costs.part_requests + blocks * costs.block_requests + len(load.scenes) * costs.scl_requests)
    puts = round(files + len(done) * costs.commit_puts)
    lists = round(sum(costs.commit_lists * math.ceil(batch.files / FILES_A_LIST) for batch in done))
    hours = (costs.step_s + run.observing + run.reading) / 3600
    settings = Settings()
    return Found(
        kind=" or ".join(kind.name for kind in cluster.core.types),
        nodes=cluster.core.units,
        slots=run.slots,
        chips=sum(batch.chips for batch in done),
        scenes=sum(batch.scenes for batch in done),
        tasks=tasks,
        observing_s=run.observing,
        reading_s=run.reading,
        cut_s={str(times): other.reading for times, other in cut.items()},
        hours=hours,
        idle=run.idle,
        waiting_for_driver=run.waiting_for_driver,
        commits=len(done),
        files=files,
        metadata_mb=(len(done) * costs.commit_bytes + files * costs.commit_file_bytes) / 1e6,
        get=gets,
        put=puts,
        lists=lists,
        glue=round(len(done) * costs.commit_glue),
        fetched_gb=blocks * costs.block_mb / 1000,
        written_gb=sum(batch.chips for batch in done) * costs.chip_mb / 1000,
        driver_mb=_driver_mb(load, run, costs),
        usd_cluster=prices.cluster_usd(settings, cluster, hours=START_H + hours, task_hours=0),
        usd_requests=(puts + lists) * requests.put_usd + gets * requests.get_usd,
        limits=_limits(load, run, cluster, costs, limits),
    )


def _driver_mb(load: Workload, run: Run, costs: Costs) -> float:
    """Packages, the table of cells, and the chips of a batch that is read while those of the next are gathered."""
    numbers = [one.batch.chips for one in run.batches]
    held = []
    for now, following in pairwise([*numbers, 0]):
        rows = (now + following) * costs.row_bytes + now * costs.cell_bytes
        cells = following * costs.row_bytes + (now + following) * costs.cell_bytes
        held.append(max(rows, cells))
    return costs.driver_mb + (load.cells.nbytes + max(held)) / 1e6


def _limits(load: Workload, run: Run, cluster: Shape, costs: Costs, limits: Limits) -> dict[str, float]:
    """What is used of each limit, by name: at the busiest batch."""
    used: dict[str, float] = {}
    for one in run.batches:
        batch, seconds = one.batch, one.read - one.begun
        gets = len(batch.tasks) * costs.part_requests + batch.blocks * costs.block_requests
        most = max(task.chips for task in batch.tasks)
        here = {
            "GET/s of the scenes' bucket, were it one prefix": gets / seconds / limits.get_s,
            "PUT/s of the table's bucket, were it one prefix": batch.files / seconds / limits.put_s,
            "results of a job": (batch.chips * costs.key_bytes + batch.files * costs.document_bytes)
            / 1e6
            / limits.result_mb,
            "size of a task": most * costs.sent_bytes / 1e6 / limits.message_mb,
            "a batch's commit over its reading": commit_s(batch.files, costs) / seconds,
            "driver's work for a batch over its reading": (
                batch.chips * (costs.gather_s + costs.deal_s) + commit_s(batch.files, costs)
            )
            / seconds,
        }
        used = {name: max(value, used.get(name, 0.0)) for name, value in here.items()}
    return used | {
        "memory for the driver's Python": _driver_mb(load, run, costs) / limits.python_mb,
        "nodes that the settings allow": cluster.core.units / limits.nodes,
    }


_ROWS: dict[str, Callable[[Found], str]] = {
    "nodes": lambda run: f"{run.nodes:,}",
    "slots": lambda run: f"{run.slots:,}",
    "chips": lambda run: f"{run.chips:,}",
    "scenes": lambda run: f"{run.scenes:,}",
    "tasks": lambda run: f"{run.tasks:,}",
    "batches, commits, snapshots and manifests, each": lambda run: f"{run.commits:,}",
    "files": lambda run: f"{run.files:,}",
    "seconds of observing": lambda run: f"{run.observing_s:,.0f}",
    "seconds of reading and committing": lambda run: f"{run.reading_s:,.0f}",
    "hours of extraction, the rest of the step included": lambda run: f"{run.hours:.2f}",
    "slots idle while chips are read, share": lambda run: f"{run.idle:.0%}",
    "all slots idle for the driver, share": lambda run: f"{run.waiting_for_driver:.0%}",
    "metadata, MB": lambda run: f"{run.metadata_mb:.1f}",
    "GET": lambda run: f"{run.get:,}",
    "PUT": lambda run: f"{run.put:,}",
    "LIST": lambda run: f"{run.lists:,}",
    "requests to Glue": lambda run: f"{run.glue:,}",
    "GB fetched": lambda run: f"{run.fetched_gb:,.0f}",
    "GB written": lambda run: f"{run.written_gb:,.0f}",
    "MB in the driver's Python": lambda run: f"{run.driver_mb:,.0f}",
    "USD of the cluster until chips are made": lambda run: f"{run.usd_cluster:.2f}",
    "USD of S3's requests": lambda run: f"{run.usd_requests:.2f}",
}


def table(runs: Iterable[Found]) -> str:
    """Figures and used limits as Markdown, a column for each cluster."""
    runs = list(runs)
    lines = ["| | " + " | ".join(run.kind for run in runs), "|---" * (len(runs) + 1)]
    lines += [f"| {name} | " + " | ".join(form(run) for run in runs) for name, form in _ROWS.items()]
    lines += [
        f"| seconds of reading, were scenes cut for {times} times the slots | "
        + " | ".join(f"{run.cut_s[times]:,.0f}" for run in runs)
        for times in runs[0].cut_s
    ]
    lines += [
        f"| of limit: {name} | " + " | ".join(f"{run.limits[name]:.2f}" for run in runs) for name in runs[0].limits
    ]
    lines.append("| **breaks first** | " + " | ".join(_verdict(run) for run in runs))
    return "".join(f"{line} |\n" for line in lines)


def document(run: Found) -> dict[str, Any]:
    """The same for JSON."""
    return asdict(run) | {"breaks_first": run.breaks_first}


def _verdict(run: Found) -> str:
    used = sorted(run.limits.items(), key=lambda item: -item[1])
    broken = [f"{name} ({share:.2f})" for name, share in used if share >= 1]
    return "; then ".join(broken) or f"nothing; nearest: {used[0][0]} ({used[0][1]:.2f})"
