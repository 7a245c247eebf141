"""`python -m infra.local up|down`: the local stack as a command."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from infra.local import client
from infra.local.errors import LocalError
from infra.local.options import StackOptions

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    given = sys.argv[1:] if argv is None else list(argv)
    args = _parser().parse_args(given)
    if args.command == "down":
        stopped = client.down(args.root)
        sys.stdout.write("stopped\n" if stopped else f"no stack runs in {args.root}\n")
        return 0
    if running := client.read_info(args.root):
        sys.stderr.write(f"a stack already runs in {args.root} (pid {running.pid}); end it first\n")
        return 1
    try:
        if args.foreground:
            _serve(args)
        else:
            _, info = client.launch(args.root, _passed_on(given, args), with_parent=False)
            sys.stdout.write(f"{args.root / 'stack.json'}: {info.endpoint} {info.stac_url}\n")
    except (LocalError, client.StackFailedError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _serve(args: argparse.Namespace) -> None:
    # Imported late: moto takes a second, which `down` need not spend.
    from infra.local.stack import Stack

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for chatty in ("botocore", "boto3", "s3transfer", "werkzeug", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    done = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    if args.die_with_parent:
        Thread(target=_await_end_of_input, args=[done], daemon=True).start()
    java = args.java_home or os.environ.get("JAVA_HOME")
    options = StackOptions(
        root=args.root.resolve(),
        data=args.data,
        artifacts=args.artifacts,
        port=args.port,
        stac_port=args.stac_port,
        reports=args.reports,
        spark_python=args.spark_python.absolute(),
        java_home=Path(java) if java else None,
        state_delay_s=args.state_delay,
        idle_speed=args.idle_speed,
    )
    with Stack(options):
        done.wait()


def _await_end_of_input(done: Event) -> None:
    """The parent holds the other end of our input; when it dies, reading ends."""
    sys.stdin.buffer.read()
    done.set()


def _passed_on(given: Sequence[str], args: argparse.Namespace) -> list[str]:
    """The options of `up` again, without the root, which `launch` sets itself."""
    rest = [arg for arg in given if arg != "up" and not arg.startswith("--root=")]
    if "--root" in rest:
        index = rest.index("--root")
        del rest[index : index + 2]
    if args.die_with_parent:
        rest.remove("--die-with-parent")
    return rest


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start the stack and write ROOT/stack.json")
    down = commands.add_parser("down", help="stop the stack that runs in ROOT")
    for command in (up, down):
        command.add_argument("--root", type=Path, required=True, help="folder of the stack")
    up.add_argument("--data", type=Path, help="folder of COGs and STAC items to serve")
    up.add_argument("--artifacts", type=Path, help="folder to upload to the lake's artifacts/")
    up.add_argument("--port", type=int, default=0, help="port of the AWS endpoint (default: free)")
    up.add_argument("--stac-port", type=int, default=0, help="port of the STAC API, if it is free (default: any)")
    up.add_argument("--reports", type=Path, help="folder that keeps runs' reports for the next start")
    up.add_argument("--spark-python", type=Path, default=StackOptions.spark_python)
    up.add_argument("--java-home", type=Path, help="Java of the steps (default: JAVA_HOME)")
    up.add_argument("--state-delay", type=float, default=StackOptions.state_delay_s)
    up.add_argument("--idle-speed", type=float, default=StackOptions.idle_speed)
    up.add_argument("--foreground", action="store_true", help="stay until SIGTERM or Ctrl-C")
    up.add_argument("--die-with-parent", action="store_true", help="end when stdin closes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
