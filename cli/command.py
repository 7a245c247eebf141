"""What a command does between its options and its exit code."""

from __future__ import annotations

import logging
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from claylake.errors import ClaylakeError
from cli.engine import Engine
from cli.errors import ExitCode, exit_code
from cli.lake import LakeFolder
from cli.machine import Machine, user_cache
from cli.month import Runner
from cli.relocating import require_in_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    aoi, months = wanted.area(), wanted.each_month()
    for remark in wanted.remarks(aoi):
        console.note(remark)
    lake = LakeFolder.at(folder)
    require_in_place(lake)
    settings = wanted.settings(lake, aoi, dry_run=not steps)
    lake.make()
    receipts = []
    with (
        _logged(lake, console) as log,
        lake.held() if steps else nullcontext(),
        Engine(settings.here, Machine.here(), user_cache(), log.with_suffix(".spark.log")) as engine,
    ):
        runner = Runner(engine=engine, console=console)
        for month in months:
            receipt = runner.month(wanted.request(aoi, month), settings, steps)
            console.summary(receipt, lake.bytes())
            receipts.append(receipt)
    console.results(receipts)
    return receipts


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
