"""`make up`: the local stack with a real Airflow on it, at addresses that stay, and what to do first."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

from infra.local import client, standalone
from infra.local.demo import runs
from infra.local.errors import LocalError
from infra.local.home import Home, HomeError
from infra.local.ports import preferred_port
from infra.local.standalone import AirflowError
from infra.world.arguments import MONTHS, WorldArguments

UI_PORT = 8080
UNFINISHED = (
    "make up ended while this ran: its plan, cluster and tables were in the stand-in's memory, so what is left of it "
    "fails at the next start. Trigger it again."
)
"""Note on a run."""
_LONGEST_NOTE = 1000
"""Airflow takes no more characters."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the three servers listen.

    Attributes:
        first: The port that was wanted for the UI; the two after it were wanted for the others, in order.
        ui: Airflow's UI and REST API.
        stack: S3, Glue and EMR, the scenes' files, and the reports of runs.
        stac: The STAC API.
    """

    first: int
    ui: int
    stack: int
    stac: int

    @classmethod
    def from_port(cls, first: int) -> Self:
        """A port and the two after it; another free one for each that is taken.

        Args:
            first: That of the UI.

        Raises:
            StackError: No port is free.
        """
        ui, stack, stac = (preferred_port(port) for port in range(first, first + 3))
        return cls(first=first, ui=ui, stack=stack, stac=stac)

    def moved(self, port: int, place: int) -> str:
        """What to say of a server that is not where it was wanted; empty of one that is.

        Args:
            port: Where it is.
            place: Its number, from 0.
        """
        wanted = self.first + place
        return "" if port == wanted else f"; this time not at {wanted}, which another program has"


def main(arguments: Sequence[str] | None = None, home: Home | None = None) -> int:
    """Command line of `make up`.

    Args:
        arguments: Those of the command line; None for this process's own.
        home: Where things lie.
    """
    options = _parser().parse_args(arguments)
    # SIGINT, too: shells have it ignored by what they start in the background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        _serve(home or Home(), options.port, options.data)
    except KeyboardInterrupt:
        pass
    except (HomeError, AirflowError, LocalError, client.StackFailedError, runs.DataFolderError) as error:
        sys.stderr.write(f"make up: {error}\n")
        return 1
    _say("all processes have ended; runs, their logs and their reports stay for the next make up, tables do not")
    return 0


def _serve(home: Home, port: int, data: Path | None) -> None:
    """Everything, until it is interrupted."""
    folder = data or home.world(MONTHS, WorldArguments())
    first = _first(folder, is_world=data is None)
    if info := client.read_info(home.state / "stack"):
        raise HomeError(f"another make up or make demo runs in {home.state} (process {info.pid}); end it first")
    ports = Ports.from_port(port)
    _say("starting the local S3, Glue, EMR and STAC API")
    reports = home.state / "reports"
    places = ("--port", str(ports.stack), "--stac-port", str(ports.stac), "--reports", str(reports))
    with home.stack(folder, *places) as info:
        _say("starting Airflow: about half a minute")
        env = home.airflow_env(info)
        home.migrate(env)
        log = home.state / "airflow/standalone.log"
        with standalone.running(home, env, ports.ui, log) as airflow:
            for line in _about(ports, airflow.url, info, first, log):
                _say(line)
            _wait()
            _say("ending Airflow and the stack")
            for name in _note_unfinished(airflow):
                _say(f"{name} was not done and cannot go on: trigger it again")


def _wait() -> None:
    """Until Ctrl-C or SIGTERM; what ends the processes then is not to be interrupted again."""
    try:
        signal.pause()
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _note_unfinished(airflow: standalone.Airflow) -> Iterator[str]:
    """Runs under way, once their notes say why they will be red."""
    with suppress(AirflowError, OSError, ValueError):
        here = airflow.log_in()
        for run in here.call("GET", "dags/~/dagRuns?state=running&limit=100")["dag_runs"]:
            place = f"dags/{run['dag_id']}/dagRuns/{quote(run['dag_run_id'])}"
            note = "\n\n".join(filter(None, (UNFINISHED, run["note"])))[:_LONGEST_NOTE]
            here.call("PATCH", f"{place}?update_mask=note", {"note": note})
            yield f"{run['dag_id']} {run['dag_run_id']}"


def _about(ports: Ports, url: str, info: client.StackInfo, first: str, log: Path) -> Iterator[str]:
    """Addresses, what to do first, where logs are, how to end it."""
    yield ""
    yield f"Airflow   {url}  (no log-in: every user of this machine is an administrator{ports.moved(ports.ui, 0)})"
    about = f"S3, Glue, EMR, the scenes' files, and reports, those of earlier starts too{ports.moved(ports.stack, 1)}"
    yield f"stand-in  {info.endpoint}  ({about})"
    yield f"scenes    {info.stac_url}  (STAC API{ports.moved(ports.stac, 2)})"
    yield f"first     {first}"
    yield f"logs      of tasks: in Airflow; {log}; {Path(info.document['root']) / 'stack.log'}"
    yield "end       Ctrl-C"


def _first(folder: Path, *, is_world: bool) -> str:
    """A run to begin with.

    Raises:
        DataFolderError: The folder holds no items that a run could use.
    """
    if is_world:
        area, months = "aoi: demo", f"{MONTHS[1]}"
    else:
        requests = runs.of_items(folder)
        months = requests[0].month
        area = f"aoi_geojson: {json.dumps(requests[0].conf['aoi_geojson'])}"
    return f"Dags > {runs.ADHOC_DAG} > Trigger, with {area} and months: {months}; unpause it there, or runs stay queued"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    about = "of Airflow's UI; the two after it are the stand-in's and the STAC API's (default: %(default)s)"
    parser.add_argument("--port", type=_port, default=UI_PORT, help=about)
    parser.add_argument("--data", type=Path, help="folder of STAC items and COGs instead of the demo world")
    return parser


def _port(text: str) -> int:
    """A port that two more follow."""
    if not (text.isdecimal() and 0 < int(text) <= 65_533):
        raise argparse.ArgumentTypeError(f"PORT={text}: a number from 1 to 65533; the two ports after it are used, too")
    return int(text)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
