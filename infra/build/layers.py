"""The packages of an environment, layer by layer, as their lock files say.

Nodes that embed get two archives: what every node gets, and what torch adds to it. Both come from
hashed locks, and a package is in one of them only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.build.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

EXTRACT, EMBED = "extract", "embed"
_REQUIREMENT = re.compile(r"(?m)^(?P<name>[A-Za-z0-9._-]+)==\S+.*(?:\n[ \t].*)*")
_CUDA = re.compile(r"(torch|triton|nvidia-|cuda-)")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One archive's packages.

    Attributes:
        name: `extract` or `embed`.
        locked: Requirements with hashes, sorted by name, one below the other.
        torch: Requirement of torch that comes from another build of it (`TORCH_BACKEND`), without hashes; or None.
        backend: That build, as uv knows it (`cpu`); None takes what the lock names.
    """

    name: str
    locked: str
    torch: str | None = None
    backend: str | None = None


def read_layers(locks: Path, backend: str | None = None) -> tuple[Layer, Layer]:
    """The layers of a checkout's lock files.

    Args:
        locks: Folder of `extract.txt` and `embed.txt`.
        backend: Build of torch in place of the locked one.

    Raises:
        BuildError: The locks pin a package at two versions, or `embed` lacks something of `extract`.
    """
    base, whole = requirements(locks / "extract.txt"), requirements(locks / "embed.txt")
    differing = sorted(name for name, text in base.items() if whole.get(name) != text)
    if differing:
        raise BuildError(f"locks/embed.txt does not go with locks/extract.txt ({', '.join(differing)}): run make lock")
    added = {name: text for name, text in whole.items() if name not in base}
    torch = None
    if backend is not None:
        torch = added["torch"].split()[0]
        added = {name: text for name, text in added.items() if not _CUDA.match(name)}
    extract = Layer(name=EXTRACT, locked=_text(base))
    return extract, Layer(name=EMBED, locked=_text(added), torch=torch, backend=backend)


def requirements(lock: Path) -> dict[str, str]:
    """Each requirement of a lock file, with its hashes, by name.

    Raises:
        BuildError: There is no such file, or nothing in it.
    """
    try:
        text = lock.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BuildError(f"{lock} is missing: run make lock") from None
    found = {match["name"]: match[0] for match in _REQUIREMENT.finditer(text)}
    if not found:
        raise BuildError(f"{lock} pins nothing: run make lock")
    return found


def _text(requirements: dict[str, str]) -> str:
    return "".join(f"{requirements[name]}\n" for name in sorted(requirements))
