"""EC2 instance types: what their names tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from claylake.errors import BadInputError

_TYPE = re.compile(r"(?P<family>[a-z]+\d[a-z0-9-]*)\.(?P<times>\d*)(?P<size>large|xlarge)")
_GPU_FAMILY = re.compile(r"(g|p)\d")
_GPUS: Final = {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8}
_MANY_GPUS: Final = ("g4dn", "g5", "g6", "g6e")
_GIB_PER_VCPU: Final = {"c": 2, "r": 8}
YARN_SHARE: Final = 0.75
"""EMR leaves about this share of a node's memory to YARN."""


@dataclass(frozen=True)
class Instance:
    """One instance type: vCPUs, memory (GiB) and GPUs."""

    name: str
    vcpus: int
    memory_gib: int
    gpus: int

    @property
    def yarn_gib(self) -> int:
        """Memory that containers may use together, whole GiB."""
        return int(self.memory_gib * YARN_SHARE)

    @property
    def family(self) -> str:
        """What stands before the dot, e.g. ``g6``."""
        return self.name.partition(".")[0]


def instance(name: str) -> Instance:
    """Read an instance type's name: AWS doubles vCPUs with each size; 2 or 8 GiB per vCPU in c and r, else 4.

    Raises:
        BadInputError: for a name of another form.
    """
    found = _TYPE.fullmatch(name)
    if found is None:
        msg = f"instance type {name!r}: expected a name such as g6.2xlarge or m7i.xlarge"
        raise BadInputError(msg)
    family = found["family"]
    vcpus = 2 if found["size"] == "large" else 4 * int(found["times"] or 1)
    gpus = 0
    if _GPU_FAMILY.match(family):
        gpus = _GPUS.get(found["times"] + found["size"], 1) if family in _MANY_GPUS else 1
        if family.startswith("p"):
            gpus = 8
    return Instance(name, vcpus, vcpus * _GIB_PER_VCPU.get(family[0], 4), gpus)
