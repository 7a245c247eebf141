"""Command line: `python -m spark.bench.scale`. Needs no Spark, no network and a minute of one core."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spark.bench.area import area_of
from spark.bench.scale.costs import Costs, Limits, Requests, sources, with_rates
from spark.bench.scale.driver import measured
from spark.bench.scale.report import Found, document, found, shape, slots_of, table
from spark.bench.scale.simulate import dealt, simulate
from spark.bench.scale.workload import workload

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)
CELLS, CHIPS, PASSES = 152_588, 612_000, 6
"""1,000,000 km2; chips of a month; passes of two satellites in it."""
NODES = (8, 32, 128)
CUTS = (2, 4)
"""Scenes cut finer than a run cuts them: so many times the slots."""


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate each cluster at both rates, write tables."""
    parser = argparse.ArgumentParser(prog="python -m spark.bench.scale", description=__doc__)
    parser.add_argument("--cells", type=int, default=CELLS)
    parser.add_argument("--chips", type=int, default=CHIPS)
    parser.add_argument("--passes", type=int, default=PASSES)
    parser.add_argument("--nodes", type=int, nargs="+", default=NODES)
    parser.add_argument("--rates", type=Path, metavar="FILE", help="of make bench-extract, instead of those noted here")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write JSON")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    load = workload(area_of(arguments.cells), arguments.chips, passes=arguments.passes)
    _log.info("%d cells, %d scenes, %d chips", load.cells.num_rows, len(load.scenes), sum(load.wanted.values()))
    limits, requests = Limits(), Requests()
    noted = with_rates(Costs(), json.loads(arguments.rates.read_text())) if arguments.rates else Costs()
    costs = measured(noted, load, slots_of(shape(min(arguments.nodes))))
    rates = {"at the plan's estimate for a vCPU": costs, "at the rate measured, no network": replace(costs, slow=1.0)}
    results: dict[str, list[Found]] = {name: [] for name in rates}
    for cluster in map(shape, arguments.nodes):
        slots = slots_of(cluster)
        work = {cut: dealt(load, slots, cut=cut) for cut in (1, *CUTS)}
        for name, unit in rates.items():
            run, *others = (simulate(load, some, slots, unit) for some in work.values())
            cut = dict(zip(CUTS, others, strict=True))
            results[name].append(found(load, run, cut, cluster, unit, limits, requests))
        _log.info("%d nodes: done", cluster.core.units)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        runs = {name: [document(each) for each in some] for name, some in results.items()}
        figures = {"costs": asdict(costs), "limits": asdict(limits), "requests": asdict(requests)}
        arguments.out.write_text(json.dumps({"runs": runs, **figures}, indent=1) + "\n")
    for name, some in results.items():
        sys.stdout.write(f"\nExtraction {name}:\n\n{table(some)}")
    sys.stdout.write("\n" + "".join(sources(costs, limits, requests)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
