"""`make demo`: real months through the real DAG, on this machine.

Starts the local stack, runs one DAG run a month with `airflow dags test`, then copies receipts and
pictures to ``out/`` and prints a table. ``out/demo.json`` holds the same for scripts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.local import client
from infra.local.demo import results, runs
from infra.local.demo.progress import Progress
from infra.local.demo.runs import RunRequest
from infra.local.deployed import DEMO_MODEL
from infra.local.home import Home, HomeError
from infra.local.options import REPOSITORY
from infra.world.arguments import WorldArguments, read_events, read_months
from infra.world.errors import WorldError

OUT = REPOSITORY / "out"


@dataclass(frozen=True, kw_only=True)
class World:
    """Months of a generated world."""

    months: tuple[str, ...]
    arguments: WorldArguments


def main() -> int:
    """Command line; the exit code is 0 if every month came out green."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--months", default="2024-08/2024-09", help="yyyy-mm or yyyy-mm/yyyy-mm, several with commas")
    parser.add_argument(
        "--event",
        action="append",
        metavar="KIND,WHERE,WHEN[,SIZE]",
        help="of the demo world; see python -m infra.world -h",
    )
    parser.add_argument("--data", type=Path, help="folder of STAC items and COGs to run on instead of the demo world")
    parser.add_argument("--model", default=DEMO_MODEL, help="name of the encoder; built where it has not been yet")
    parser.add_argument("--out", type=Path, default=OUT, help="where tables, pictures and receipts go")
    options = parser.parse_args()
    try:
        if options.data is None:
            world = World(
                months=read_months(options.months), arguments=WorldArguments(events=read_events(options.event))
            )
            return run(world, options.out, options.model)
        if options.event:
            parser.error("events are of the generated world: give either them or a folder of scenes")
        return run(options.data, options.out, options.model)
    except (HomeError, client.StackFailedError, runs.DataFolderError, WorldError) as error:
        sys.stderr.write(f"make demo: {error}\n")
        return 1


def run(
    source: World | Path,
    out: Path,
    model: str = DEMO_MODEL,
    then: Callable[[client.StackInfo], None] = lambda _: None,
) -> int:
    """Make the months of the demo world, or of a folder of STAC items; gives the exit code.

    Args:
        source: Where scenes come from.
        out: Where tables, pictures and receipts go.
        model: Name of the encoder.
        then: Is called last, while the stack still runs.
    """
    home = Home()
    started = time.monotonic()
    if isinstance(source, World):
        _say(f"painting the demo world for {', '.join(source.months)} (kept for next time)")
        folder = home.world(source.months, source.arguments)
        requests = runs.of_world(source.months)
    else:
        folder = source
        requests = runs.of_items(source)
    _say("starting the local stack (S3, Glue, EMR, STAC)")
    months: list[results.MonthResult] = []
    with home.stack(folder, model=model) as info:
        env = home.airflow_env(info)
        home.migrate(env)
        _say(f"ready after {time.monotonic() - started:.0f} s")
        months.extend(_month(home, env, request, out) for request in requests)
        results.write(out, months)
        _say_all("\n" + results.table(months) + f"\n{out / 'demo.json'}\n")
        then(info)
    return 0 if all(month.state == "success" for month in months) else 1


def _month(home: Home, env: dict[str, str], request: RunRequest, out: Path) -> results.MonthResult:
    """One DAG run; its log goes to ``out/logs/``, its receipt and pictures to ``out/<month>/``."""
    _say(f"{request.month}: {request.dag_id}")
    log = out / "logs" / f"{request.month}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(home.python("airflow")), "-m", "airflow", "dags", "test", request.dag_id]
    started = time.monotonic()
    with (
        log.open("w", encoding="utf-8") as sink,
        subprocess.Popen(
            [*command, "-c", json.dumps(request.conf)],
            cwd=REPOSITORY,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        progress = Progress(sys.stdout)
        for line in process.stdout or ():
            sink.write(line)
            progress.read(line)
    seconds = time.monotonic() - started
    state = "success" if process.returncode == 0 and progress.run_state != "failed" else "failed"
    if state == "failed":
        sys.stdout.write(f"{request.month} failed; the whole log is {log}\n{progress.failures()}")
    return results.collect(env, request.dag_id, request.month, out / request.month, seconds=seconds, state=state)


def _say(text: str) -> None:
    _say_all(f"== {text}\n")


def _say_all(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
