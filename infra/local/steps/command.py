"""A step's arguments, turned into a command for this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import CommandError

RUNNER_JAR = "command-runner.jar"
_FETCHED = frozenset({"--jars", "--py-files", "--files", "--archives"})
_WITHOUT_VALUE = frozenset({"--supervise", "--verbose", "-v", "--version", "--help", "-h"})
_DROPPED = frozenset({"--master", "--deploy-mode"})
_DROPPED_CONF = ("spark.master=", "spark.submit.deployMode=")
_RESOURCES = ("spark.driver.resource.", "spark.executor.resource.", "spark.task.resource.")
_S3 = ("s3://", "s3a://", "s3n://")

Fetch = Callable[[str], Path]


@dataclass(frozen=True, kw_only=True)
class LocalCommand:
    """A command to run here.

    Attributes:
        argv: Program and arguments.
        is_cluster_mode: The step runs its driver in a container of YARN's, so that
            on EMR its output would be found in the container's logs.
    """

    argv: tuple[str, ...]
    is_cluster_mode: bool


def localise(jar: str, args: Sequence[str], *, spark_submit: Path, fetch: Fetch) -> LocalCommand:
    """The local command for a step of `command-runner.jar`.

    `spark-submit` keeps its arguments but for master, deploy mode and requests for GPUs,
    which only YARN hands out: here the CPU stands in for them. It gets local copies of
    the `s3://` files it names itself; what follows the main script is the program's own
    and stays as it is. Any other command is run as given.

    Args:
        jar: The step's jar.
        args: The step's `Args`: a command and its arguments.
        spark_submit: The program that stands for EMR's `spark-submit`.
        fetch: Gives the local copy of an `s3://` file.

    Raises:
        CommandError: The jar is another one, or the arguments are malformed.
        ArtefactError: A named file does not exist.
    """
    if jar != RUNNER_JAR:
        raise CommandError(f"only {RUNNER_JAR} steps run here, got jar {jar!r}")
    if not args:
        raise CommandError(f"{RUNNER_JAR} needs a command, got no Args")
    if args[0] != "spark-submit":
        return LocalCommand(argv=tuple(args), is_cluster_mode=False)
    argv = [str(spark_submit), "--master", "local[*]"]
    is_cluster_mode = False
    rest = iter(args[1:])
    for option, value in _options(rest):
        if option is None:
            argv += [_fetched(value, fetch), *rest]
            break
        if option in _DROPPED or (option in ("--conf", "-c") and value.startswith(_DROPPED_CONF + _RESOURCES)):
            is_cluster_mode |= value in ("cluster", "spark.submit.deployMode=cluster")
        elif option in _FETCHED:
            argv += [option, ",".join(_fetched(uri, fetch) for uri in value.split(",") if uri)]
        elif option in _WITHOUT_VALUE:
            argv.append(option)
        else:
            argv += [option, value]
    else:
        raise CommandError(f"spark-submit needs a script or jar after its options: {list(args)}")
    return LocalCommand(argv=tuple(argv), is_cluster_mode=is_cluster_mode)


def _options(args: Iterator[str]) -> Iterable[tuple[str | None, str]]:
    """Pairs of option and value; the main script comes as `(None, script)`."""
    for arg in args:
        if not arg.startswith("-"):
            yield None, arg
        elif arg in _WITHOUT_VALUE:
            yield arg, ""
        elif arg.startswith("--") and "=" in arg:
            option, _, value = arg.partition("=")
            yield option, value
        else:
            try:
                yield arg, next(args)
            except StopIteration:
                raise CommandError(f"spark-submit option {arg} lacks its value") from None


def _fetched(uri: str, fetch: Fetch) -> str:
    """A local path for an S3 URI, keeping the `#alias` that archives and files may carry."""
    if not uri.startswith(_S3):
        return uri
    address, mark, alias = uri.partition("#")
    return f"{fetch(address)}{mark}{alias}"
