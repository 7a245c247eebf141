"""EC2 instance types, read from their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claylake.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPE = re.compile(r"(?P<family>[a-z]+\d(?P<extras>[a-z0-9-]*))\.(?P<times>\d*)(?P<size>large|xlarge)")
_LARGE: Final = MappingProxyType({"12xlarge": 4, "24xlarge": 4, "48xlarge": 8})
_GPUS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "g4dn": _LARGE,
        "g5": _LARGE,
        "g6": _LARGE,
        "g6e": _LARGE,
        "p4d": {"24xlarge": 8},
        "p4de": {"24xlarge": 8},
        "p5": {"48xlarge": 8},
        "p5e": {"48xlarge": 8},
        "p5en": {"48xlarge": 8},
    }
)
"""GPUs by family and size, one where none is given. NVIDIA's, of compute capability 7.5 and up, as torch wants."""
_GPU_LETTERS: Final = ("g", "gr", "p")
_GIB_PER_VCPU: Final = MappingProxyType({"c": 2, "r": 8, "g6e": 8})
YARN_SHARE: Final = 0.75
"""EMR leaves about this share of a node's memory to YARN."""


@dataclass(frozen=True, kw_only=True)
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
        BadInputError: for a name of another form, an ARM type, or a GPU family that is not known.
    """
    found = _TYPE.fullmatch(name)
    if found is None:
        msg = f"instance type {name!r}: expected a name such as g6.2xlarge or m7i.xlarge"
        raise BadInputError(msg)
    family = found["family"]
    if "g" in found["extras"]:
        msg = f"instance type {name}: an ARM processor, but the environments are built for x86-64: use e.g. m7i.xlarge"
        raise BadInputError(msg)
    vcpus = 2 if found["size"] == "large" else 4 * int(found["times"] or 1)
    gib_per_vcpu = _GIB_PER_VCPU.get(family) or _GIB_PER_VCPU.get(family[0], 4)
    return Instance(
        name=name,
        vcpus=vcpus,
        memory_gib=vcpus * gib_per_vcpu,
        gpus=_gpus(name, family, found["times"] + found["size"]),
    )


def _gpus(name: str, family: str, size: str) -> int:
    if family in _GPUS:
        return _GPUS[family].get(size, 1)
    if re.split(r"\d", family)[0] in _GPU_LETTERS:
        msg = f"instance type {name}: no GPU family known here; there are {', '.join(_GPUS)}"
        raise BadInputError(msg)
    return 0
