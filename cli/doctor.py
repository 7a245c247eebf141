"""Whether this machine can make a month; `cli.live` tries the catalogue."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from claylake.errors import ClaylakeError
from cli.encoder import find_encoder
from cli.errors import MachineError
from cli.machine import Machine, java_home, missing_jars, user_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.lake import LakeFolder

State = Literal["ok", "note", "missing"]
_LEAST_FREE_GB: Final = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing about this machine: `missing` keeps months from being made, `note` does not."""

    name: str
    state: State
    text: str


def examine(lake: LakeFolder, encoder: str) -> Iterator[Finding]:
    """What this machine has.

    Args:
        lake: that is to be worked on.
        encoder: name or folder.
    """
    yield Finding(name="python", state="ok", text=".".join(map(str, sys.version_info[:3])))
    yield _tried("java", java_home)
    machine = Machine.here()
    size = f"{machine.cores} processors, {machine.memory_gb:.1f} GiB: {machine.slots} tasks at once"
    yield Finding(name="machine", state="ok" if machine.memory_gb >= 4 else "note", text=size)
    gpus = f"{machine.gpus} GPUs that CUDA sees" if machine.gpus else "no GPU that CUDA sees: the processors embed"
    yield Finding(name="gpu", state="ok", text=gpus)
    missing = missing_jars(user_cache())
    text = f"the first run fetches {', '.join(missing)}" if missing else "all are in the user's cache"
    yield Finding(name="jars", state="note" if missing else "ok", text=text)
    yield _tried("encoder", lambda: str(find_encoder(encoder)))
    above = next(folder for folder in (lake.path, *lake.path.parents) if folder.exists())
    free = shutil.disk_usage(above).free / 1e9
    yield Finding(name="disk", state="ok" if free >= _LEAST_FREE_GB else "note", text=f"{free:,.0f} GB free at {above}")
    where = f"{lake.path}" + ("" if lake.exists() else ": not made yet; `claylake init` or `claylake run` makes it")
    yield Finding(name="lake", state="ok" if lake.exists() else "note", text=where)


def _tried(name: str, find: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, state="ok", text=find())
    except (MachineError, ClaylakeError) as error:
        return Finding(name=name, state="missing", text=str(error))
