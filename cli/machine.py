"""What this machine gives a run: processors, memory, Java, and the jars."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.errors import MachineError
from infra import jars, java

_GB: Final = 1024**3
_WORKER_GB: Final = 0.75
"""Peak of a Python worker that cuts chips (`make bench-extract` measures it)."""
_SYSTEM_GB: Final = 1.0
_LEAST_DRIVER_GB: Final = 1
_MOST_DRIVER_GB: Final = 6
_ENCODER_GB: Final = 4.0
"""Of a worker that embeds with the large encoder: weights, activations and chips in flight."""
_CORES_PER_ENCODER: Final = 8
DRIVERS: Final = (Path("/proc/driver/nvidia"), Path("/dev/dxg"))
"""What a driver of Nvidia's shows of itself on Linux, and under Windows' subsystem for it."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Processors and memory of this machine.

    Attributes:
        cores: that this process may use.
        memory_gb: of the machine, GiB.
        gpus: that CUDA sees.
    """

    cores: int
    memory_gb: float
    gpus: int = 0

    @classmethod
    def here(cls) -> Machine:
        """This one."""
        affinity = getattr(os, "sched_getaffinity", None)
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB
        return cls(cores=cores, memory_gb=memory, gpus=_gpus())

    @property
    def driver_gb(self) -> int:
        """Memory of the JVM: a sixth of the machine's, within bounds."""
        return max(_LEAST_DRIVER_GB, min(_MOST_DRIVER_GB, int(self.memory_gb / 6)))

    @property
    def slots(self) -> int:
        """Tasks at once: one for each core, as far as the memory bears their workers."""
        bearable = int((self.memory_gb - self.driver_gb - _SYSTEM_GB) / _WORKER_GB)
        return max(1, min(self.cores, bearable))

    @property
    def encoders(self) -> int:
        """Workers that embed at once: one for each GPU; without any, few with several threads each."""
        if self.gpus:
            return min(self.gpus, self.slots)
        bearable = int((self.memory_gb - self.driver_gb - _SYSTEM_GB) / _ENCODER_GB)
        return max(1, min(self.cores // _CORES_PER_ENCODER, bearable, self.slots))


def user_cache() -> Path:
    """The user's folder for downloads, which checkouts and installed commands share."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claylake"
    return Path(os.environ.get("CLAYLAKE_CACHE") or usual)


def _gpus() -> int:
    # torch takes seconds to load; without a driver it would see none.
    if not any(path.exists() for path in DRIVERS):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def java_home() -> str:
    """JAVA_HOME of a Java 17.

    Raises:
        MachineError: there is none.
    """
    try:
        return java.java_home()
    except LookupError as error:
        raise MachineError(str(error)) from error


def missing_jars(cache: Path) -> list[str]:
    """Names of the jars that the user's cache does not have yet.

    Args:
        cache: the user's folder for downloads.
    """
    wanted = jars.pins(jars.IN_FOLDER.read_text(encoding="utf-8"))
    return [
        jars.file_name(name)
        for name, digest in wanted.items()
        if not jars.matches(cache / "jars" / jars.file_name(name), digest)
    ]


def spark_jars() -> list[Path]:
    """Spark's own jars, which PySpark brings."""
    import pyspark

    return sorted((Path(pyspark.__file__).parent / "jars").glob("*.jar"))


def jar_files(cache: Path, home: str) -> list[Path]:
    """The jars of a lake in a folder, from the user's cache; fetched on first use.

    Args:
        cache: the user's folder for downloads.
        home: JAVA_HOME of the Java that fetches.

    Raises:
        MachineError: they cannot be had.
    """
    os.environ["JAVA_HOME"] = home
    try:
        return jars.fetch(cache, cache / "jars", jars.IN_FOLDER)
    except jars.JarError as error:
        raise MachineError(str(error)) from error
