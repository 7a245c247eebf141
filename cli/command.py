"""What a command does between its options and its exit code."""

from __future__ import annotations

import logging
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from claylake.errors import ClaylakeError
from claylake.vocabulary import EXTRACT, MAINTAIN, STEPS
from cli.doctor import examine
from cli.earlier import newest_run, open_runs
from cli.engine import Engine
from cli.errors import ExitCode, exit_code
from cli.lake import LakeFolder
from cli.live import try_live
from cli.machine import user_cache
from cli.month import Runner
from cli.relocating import require_in_place
from cli.showing import LakeView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from claylake.run.receipt import Receipt
    from cli.console import Console
    from cli.request import Wanted

_log = logging.getLogger(__name__)
_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def make_months(wanted: Wanted, folder: Path, steps: Sequence[str], console: Console) -> list[Receipt]:
    """Plan months, do steps of them one month after the other, and say how each went.

    Args:
        wanted: the command's options.
        folder: of the lake; made where there is none.
        steps: names of `claylake.vocabulary.STEPS`, in order; none: a dry run.
        console: for people, or for programs.

    Raises:
        ClaylakeError: of the kind that fits; months before are done.
    """
    lake = LakeFolder.at(folder)
    require_in_place(lake)
    months: list[Callable[[Runner], Receipt]]
    if wanted.names_nothing and steps and steps[0] != EXTRACT:
        address = lake.place(lake.path).lake
        # The newest run's settings say how the tables are maintained, whichever months they hold.
        alone = tuple(steps) == (MAINTAIN,)
        plans = [newest_run(address, wanted.database)] if alone else open_runs(address, wanted.database)
        here = plans[0].settings.here
        months = [partial(Runner.go_on, plan=plan, steps=steps) for plan in plans]
    else:
        aoi, each = wanted.area(), wanted.each_month()
        for remark in wanted.remarks(aoi):
            console.note(remark)
        settings = wanted.settings(lake, aoi, dry_run=not steps)
        here = settings.here
        requests = [wanted.request(aoi, month) for month in each]
        months = [partial(Runner.month, request=one, settings=settings, steps=steps) for one in requests]
    lake.make()
    receipts = []
    with (
        _logged(lake, console) as log,
        lake.held() if steps else nullcontext(),
        Engine(here, user_cache(), log.with_suffix(".spark.log")) as engine,
    ):
        runner = Runner(engine=engine, console=console)
        for make in months:
            receipt = make(runner)
            console.summary(receipt, lake)
            receipts.append(receipt)
        if tuple(steps) == STEPS and engine.may_keep_classes:
            with console.stage("classes") as stage:
                kept = engine.keep_classes()
                stage.done("kept, once: later commands start faster" if kept else "not kept, which does no harm")
    console.results(receipts)
    return receipts


def view_of(folder: Path, deployed: Path | None, database: str) -> LakeView:
    """A lake to be read: in a folder, or on AWS.

    Args:
        folder: of a lake on this machine.
        deployed: ``deployed.json`` of a deployment; None for the lake in the folder.
        database: namespace of the tables in the folder.

    Raises:
        BadInputError: there is no lake, or the document is not of a deployment.
    """
    from claylake.configuration.layers import read_deployed
    from claylake.run.tables import catalog

    if deployed is not None:
        where = read_deployed(deployed)
        return LakeView(catalog=catalog(where), database=where.database, lake=where.lake)
    lake = LakeFolder.at(folder)
    lake.require()
    require_in_place(lake)
    here = lake.place(lake.path, database)
    return LakeView(catalog=catalog(here), database=here.database, lake=here.lake)


def examined(wanted: Wanted, folder: Path, console: Console, *, live: bool) -> bool:
    """Whether nothing is missing for months on this machine; each finding is printed.

    Args:
        wanted: area, month, encoder and settings of the trial.
        folder: of the lake.
        console: takes the findings.
        live: try the catalogue, too.

    Raises:
        BadInputError: an option cannot be used.
    """
    aoi, months, lake = wanted.area(), wanted.each_month(), LakeFolder.at(folder)
    settings = wanted.settings_of_catalogue(lake)
    trial = try_live(aoi, settings, months) if live else ()
    complete = True
    for finding in chain(examine(lake, wanted.encoder or settings.encoder.model), trial):
        console.finding(finding)
        complete = complete and finding.state != "missing"
    return complete


@contextmanager
def explained(console: Console) -> Iterator[None]:
    """Errors end the command with a text for people and an exit code.

    Raises:
        typer.Exit: with the code.
    """
    try:
        yield
    except typer.Exit:
        raise
    except ClaylakeError as error:
        _log.info("the command ends", exc_info=True)
        console.error(str(error))
        raise typer.Exit(int(exit_code(error))) from error
    except KeyboardInterrupt as error:
        console.error("interrupted; nothing is lost: the same command goes on from here")
        raise typer.Exit(int(ExitCode.INTERRUPTED)) from error
    except Exception as error:
        _log.exception("the command ends")
        first = (str(error).strip() or "no message").splitlines()[0]
        console.error(f"{type(error).__name__}: {first}; the newest file in the lake's folder logs says more")
        raise typer.Exit(int(ExitCode.FAILED)) from error


@contextmanager
def _logged(lake: LakeFolder, console: Console) -> Iterator[Path]:
    """The log goes to a file of the lake, and to the terminal where that is wanted; gives the file."""
    path = lake.path / "logs" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.log"
    path.parent.mkdir(exist_ok=True)
    handlers: list[logging.Handler] = [logging.FileHandler(path, encoding="utf-8")]
    if console.verbose:
        handlers.append(logging.StreamHandler())
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    for sink in handlers:
        sink.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(sink)
    try:
        yield path
    except BaseException:
        _log.info("the command ends", exc_info=True)
        raise
    finally:
        root.setLevel(before)
        for sink in handlers:
            root.removeHandler(sink)
            sink.close()
