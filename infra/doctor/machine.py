"""The facts about a machine, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.java import Java


@dataclass(frozen=True)
class Program:
    """A program that starts.

    Attributes:
        path: Where it lies.
        version: By its own word; () where it does not say.
    """

    path: str
    version: tuple[int, ...] = ()

    def __str__(self) -> str:
        """For people."""
        return f"{dotted(self.version)} ({self.path})" if self.version else self.path


@dataclass(frozen=True)
class System:
    """Operating system and hardware.

    Attributes:
        name: `Linux`, `Darwin`, ...
        architecture: `x86_64`, `aarch64`, `arm64`, ...
        version: Of macOS, or of glibc on Linux; () where there is none.
        cores: Processors that may be used.
        memory_mb: Main memory, or what a container may have of it; 0 where unknown.
        processor: What `python -m model.processor` prints; None if that failed.
        processor_error: The last line of its output then.
        gpus: Names of NVIDIA's, as nvidia-smi lists them.
        gpu_error: What nvidia-smi says instead; empty where there is none.
    """

    name: str
    architecture: str
    version: tuple[int, ...]
    cores: int
    memory_mb: int
    processor: Mapping[str, Any] | None = None
    processor_error: str = ""
    gpus: tuple[str, ...] = ()
    gpu_error: str = ""


@dataclass(frozen=True)
class Software:
    """Programs, of the machine and of the environments.

    Attributes:
        python: The Python that runs this.
        makes_environments: Whether it can make virtual environments with pip.
        pythons: Where Pythons are found, by `3.11` and the like.
        uv: The one that `make` uses; None before set-up on a machine without.
        make: The one that runs this; () as version where unknown.
        javas: The machine's, first choice first.
        carried_java: Whether the spark environment carries one.
        node: The machine's.
        carried_node: Whether the infra environment carries one.
    """

    python: Program
    makes_environments: bool = True
    pythons: Mapping[str, Program] = field(default_factory=dict)
    uv: Program | None = None
    make: Program | None = None
    javas: tuple[Java, ...] = ()
    carried_java: bool = False
    node: Program | None = None
    carried_node: bool = False


@dataclass(frozen=True)
class Folder:
    """A folder that set-up fills, or will.

    Attributes:
        path: Where it is, or will be.
        device: Number of its file system.
        free_mb: What is free there.
        sizes_mb: What it holds, by part.
    """

    path: str
    device: int
    free_mb: int
    sizes_mb: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Room:
    """Folders: the checkout, the per-user cache, uv's cache."""

    checkout: Folder
    cache: Folder
    uv_cache: Folder


@dataclass(frozen=True)
class Installed:
    """What set-up has done.

    Attributes:
        environments: By name, how each differs from its lock; None for one that is not there.
        jars_missing: File names.
    """

    environments: Mapping[str, tuple[str, ...] | None]
    jars_missing: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return not self.jars_missing and all(differing == () for differing in self.environments.values())


@dataclass(frozen=True)
class Network:
    """Ports and what lies beyond them.

    Attributes:
        port: The one that `make up` gives Airflow's UI, as it was given.
        port_error: Why it cannot have it; empty if it can.
        other_ports: Whether any of those for the stand-in is free.
        index_error: Why the package index does not answer; empty if it does.
        index_program: Which program queried it: `uv`, `pip`, or empty where there was neither.
        proxies: Names of the proxy variables that are set.
        torch_backend: `TORCH_BACKEND`.
        torch_error: Why uv's index of that backend does not answer; empty if it does, or was not queried.
    """

    port: str
    port_error: str = ""
    other_ports: bool = True
    index_error: str = ""
    index_program: str = "uv"
    proxies: tuple[str, ...] = ()
    torch_backend: str = ""
    torch_error: str = ""


@dataclass(frozen=True)
class Machine:
    """All of it."""

    system: System
    software: Software
    room: Room
    installed: Installed
    network: Network


def dotted(version: tuple[int, ...]) -> str:
    """`3.11.7`."""
    return ".".join(map(str, version))
