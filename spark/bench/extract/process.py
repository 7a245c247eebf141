"""Processes that do the same at the same time, each new: what they took, and their memory at the most."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Barrier

    from claylake.catalogue.scene import Scene
    from spark.reading.strips import CellIndex

NEW = multiprocessing.get_context("forkserver")
"""New processes, copies of one that has imported what is measured and has done nothing."""
NEW.set_forkserver_preload(["spark.chips.make"])
_MEMORY = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True)
class Took:
    """What work took: seconds, those of the processor, and the process's memory at the most, MB.

    The processor's hold while other work runs on the machine.
    """

    seconds: float
    processor_s: float
    peak_mb: float


def together(
    number: int, work: Callable[[Scene, list[CellIndex]], object], scene: Scene, cells: list[CellIndex]
) -> list[Took]:
    """What each process took; they begin together.

    Args:
        number: of processes.
        work: a function of a module.
        scene: that it reads.
        cells: of the scene.
    """
    start = NEW.Barrier(number)
    with ProcessPoolExecutor(number, mp_context=NEW, initializer=_ready, initargs=(start,)) as pool:
        return [each.result() for each in [pool.submit(_timed, work, scene, cells) for _ in range(number)]]


_start: list[Barrier] = []


def _ready(start: Barrier) -> None:
    _start.append(start)


def _timed(work: Callable[[Scene, list[CellIndex]], object], scene: Scene, cells: list[CellIndex]) -> Took:
    _start[0].wait()
    began, processor = time.perf_counter(), time.process_time()
    work(scene, cells)
    return Took(seconds=time.perf_counter() - began, processor_s=time.process_time() - processor, peak_mb=peak_mb())


def peak_mb() -> float:
    """This process's memory at the most, MB."""
    if _MEMORY.is_file():
        # `ru_maxrss` would be the parent's where that has more: a process is a copy of it until it runs Python anew.
        line = next(line for line in _MEMORY.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (2**20 if sys.platform == "darwin" else 1024)
