"""How steps fill the nodes of the default fleets, as a table for docs/cluster.md: ``python -m infra.fits``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from claylake.cluster.memory import fits
from claylake.cluster.shape import shape_of
from claylake.configuration.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claylake.configuration.cluster_settings import Layout

LAYOUTS: Final[tuple[Layout, ...]] = ("all_gpu", "split", "cpu")
UNITS: Final = 4
"""So many of each that no type is left out."""


def table() -> Iterator[str]:
    """The table in Markdown, memory in MiB: by layout, the nodes that extract, then those that join for embedding."""
    cluster = Settings().cluster.model_copy(update={"gpu_count": UNITS, "cpu_count": UNITS})
    yield "| layout | instance type | memory | YARN's, as stated | driver | executors | stays free |"
    yield "|---|---|---|---|---|---|---|"
    for layout in LAYOUTS:
        shape = shape_of(cluster, layout)
        for nodes in (shape.core, *([shape.task] if shape.task else [])):
            for fit in fits(shape, nodes):
                memory = f"{fit.kind.memory_gib * 1024:,} | {fit.kind.yarn_mib:,} | {fit.driver_mib:,}"
                executors = f"{fit.executors} x {fit.executor_mib:,}"
                yield f"| `{layout}` | {fit.kind.name} | {memory} | {executors} | {fit.slack_mib:,} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
