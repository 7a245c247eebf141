"""Machines as values."""

from dataclasses import replace

from infra.doctor.machine import Folder, Installed, Machine, Network, Program, Room, Software, System
from infra.java import Java

AMX = {"name": "Some Xeon", "kind": "amx", "pretended": False, "precision": "bf16", "form": "onednn"}
NONE_YET = Installed({"airflow": None, "spark": None, "infra": None, "oracle": None}, ("a.jar",))
ALL_THERE = Installed({"airflow": (), "spark": (), "infra": (), "oracle": ()})


def folder(path: str, free_mb: int = 60_000, device: int = 1, **sizes_mb: int) -> Folder:
    return Folder(path, device, free_mb, sizes_mb)


BARE = Machine(
    system=System("Linux", "x86_64", (2, 36), 2, 16_000, processor=AMX),
    software=Software(
        python=Program("/usr/bin/python3", (3, 12, 3)),
        pythons={"3.11": Program("/a/python3.11", (3, 11, 7)), "3.12": Program("/a/python3.12", (3, 12, 3))},
        make=Program("make", (4, 3)),
        javas=(Java("/usr/bin/java", 17, "/usr/lib/jvm/17"),),
    ),
    room=Room(folder("/home/ada/claylake"), folder("/home/ada/.cache/claylake"), folder("/home/ada/.cache/uv")),
    installed=NONE_YET,
    network=Network("8080"),
)
"""A good one, before set-up."""


def of(machine: Machine = BARE, **changes: object) -> Machine:
    """A machine with other facts, by group: `of(system={"memory_mb": 1})`."""
    for group, values in changes.items():
        old = getattr(machine, group)
        new = replace(old, **values) if isinstance(values, dict) else values
        machine = replace(machine, **{group: new})
    return machine


def mac(**changes: object) -> Machine:
    """An Apple silicon one, before set-up, as it comes: Python 3.9, make 3.81, no Java."""
    apple = {"name": "Apple M2", "kind": "apple", "precision": "fp32", "form": "plain"}
    plain = of(
        system={"name": "Darwin", "architecture": "arm64", "version": (14, 5), "processor": apple},
        software=Software(python=Program("/usr/bin/python3", (3, 9, 6)), make=Program("make", (3, 81))),
    )
    return of(plain, **changes)
