"""Operating system, memory, processor, GPU."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from infra.doctor.command import run, version
from infra.doctor.machine import System

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def system(repository: Path) -> System:
    """What the system says of itself."""
    name = platform.system()
    known, error = _processor(repository)
    gpus, gpu_error = _gpus()
    return System(
        name=name,
        architecture=platform.machine(),
        version=version(platform.mac_ver()[0] if name == "Darwin" else _glibc()),
        cores=os.cpu_count() or 1,
        memory_mb=memory_mb(),
        processor=known,
        processor_error=error,
        gpus=gpus,
        gpu_error=gpu_error,
    )


def memory_mb(limits: tuple[Path, ...] = _LIMITS) -> int:
    """Main memory, or the container's share if that is less; 0 where the system does not say."""
    found = []
    with suppress(OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit in limits:
        with suppress(OSError, ValueError):  # "max" where there is no limit
            found.append(int(limit.read_text(encoding="ascii")))
    return min(found, default=0) // 1_000_000


def _glibc() -> str:
    """The version of glibc; empty on musl."""
    with suppress(OSError, ValueError):
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    return ""


def _processor(repository: Path) -> tuple[dict[str, object] | None, str]:
    """What `model.processor` prints, in the spark environment if it is there, where it tries products; or its error."""
    spark = repository / ".venv/spark/bin/python"
    for python in [str(spark)] * spark.is_file() + [sys.executable]:
        answer = run([python, "-m", "model.processor"], folder=repository, limit_s=120)
        with suppress(ValueError):
            if answer.status == 0:
                return dict(json.loads(answer.out)), ""
    return None, answer.last_line


def _gpus() -> tuple[tuple[str, ...], str]:
    if shutil.which("nvidia-smi") is None:
        return (), ""
    answer = run(["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"])
    if answer.status:
        return (), answer.last_line
    return tuple(line.strip() for line in answer.out.splitlines() if line.strip()), ""
