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
_FIRST_GENERATION: Final = MappingProxyType({"c": 5, "m": 5, "r": 5})
"""Older ones have less memory for each vCPU (c4.xlarge 7.5 GiB, r4.xlarge 30.5)."""
_LETTERS: Final = ("c", "d", "g", "i", "m", "p", "r", "t", "x", "z")
"""Families that have at least the memory that is read from a name."""
_YARN_SIXTEENTHS: Final = ((16, 11), (64, 12))
"""Of a node's memory, below so many GiB; see `Instance.yarn_mib`."""
_YARN_SIXTEENTHS_LARGE: Final = 13


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One instance type: vCPUs, memory (GiB) and GPUs."""

    name: str
    vcpus: int
    memory_gib: int
    gpus: int

    @property
    def yarn_mib(self) -> int:
        """Memory (MiB) that containers may use together, as the cluster's request states it for each type.

        It is never more than what EMR sets by itself ("Task configuration", EMR release guide): 73 % of 7.5 GiB, 75 %
        of 15 and 30.5 GiB, 87 % of 60 GiB and more. So a step also fits where a statement has no effect.
        """
        sixteenths = next((part for below, part in _YARN_SIXTEENTHS if self.memory_gib < below), _YARN_SIXTEENTHS_LARGE)
        return self.memory_gib * 1024 // 16 * sixteenths

    @property
    def family(self) -> str:
        """What stands before the dot, e.g. ``g6``."""
        return self.name.partition(".")[0]


def instance(name: str) -> Instance:
    """Read an instance type's name: AWS doubles vCPUs with each size; 2 or 8 GiB per vCPU in c and r, else 4.

    Raises:
        BadInputError: for a name of another form, an ARM type, a GPU family that is not known, or a family whose
            memory is less than its name says.
    """
    found = _TYPE.fullmatch(name)
    if found is None:
        msg = f"instance type {name!r}: expected a name such as g6.2xlarge or m7i.xlarge"
        raise BadInputError(msg)
    family = found["family"]
    if "g" in found["extras"]:
        msg = f"instance type {name}: an ARM processor, but the environments are built for x86-64: use e.g. m7i.xlarge"
        raise BadInputError(msg)
    letters, generation = re.match(r"([a-z]+)(\d)", family).groups()  # type: ignore[union-attr]  # by the form above
    if int(generation) < _FIRST_GENERATION.get(letters, 0) or letters not in (*_LETTERS, *_GPU_LETTERS):
        msg = (
            f"instance type {name}: its memory is not known here: use a newer family of {', '.join(_LETTERS)}, e.g. m7i"
        )
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
