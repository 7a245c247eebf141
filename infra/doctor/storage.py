"""Disk, caches, environments, jars."""

from __future__ import annotations

from infra.doctor.finding import Finding, missing, ok, warning
from infra.doctor.machine import Folder, Installed, Room

UV_CACHE_MB, CACHE_MB, CHECKOUT_MB, COPIED_MB, DEMO_MB = 10_900, 800, 200, 9_700, 1_000
"""What set-up fills, as measured on Linux x86-64 with torch's CUDA build: uv's cache, ours, the checkout (hard links
into uv's cache; copies where that is on another file system); and what the demo adds."""
SMALL_TORCH_MB = 5_800
"""About so much less where torch comes without CUDA: its 6.7 GB, less what is left of torch itself."""


def disk(room: Room, installed: Installed, *, small_torch: bool = False) -> Finding:
    """Whether set-up and demo fit, on each file system.

    Args:
        room: The folders, and what is free where they lie.
        installed: What set-up has done; where it is complete, only the demo needs room.
        small_torch: Whether set-up fetches torch for CPUs, which is smaller.
    """
    wanted: dict[int, int] = {}
    for folder, size in _needs(room, installed, small_torch=small_torch):
        wanted[folder.device] = wanted.get(folder.device, 0) + size
    folders = {folder.device: folder for folder in (room.uv_cache, room.cache, room.checkout)}
    found = "; ".join(f"{_gb(folders[each].free_mb)} free at {folders[each].path}" for each in wanted)
    needed = "; ".join(f"{_gb(size)} at {folders[each].path}" for each, size in wanted.items())
    needed += " for make demo" if installed.complete else " for make setup and make demo"
    if any(folders[each].free_mb < size for each, size in wanted.items()):
        remedy = "free some, or set XDG_CACHE_HOME to a folder on a larger disk"
        if not small_torch:
            remedy += "; TORCH_BACKEND=cpu needs 6 GB less"
        return missing("disk", found, needed, remedy)
    return ok("disk", found, needed)


def _needs(room: Room, installed: Installed, *, small_torch: bool) -> list[tuple[Folder, int]]:
    needs = [(room.checkout, DEMO_MB)]
    if installed.complete:
        return needs
    less = SMALL_TORCH_MB if small_torch else 0
    linked = room.checkout.device == room.uv_cache.device
    fetched = sum(room.uv_cache.sizes_mb.values())
    return [
        *needs,
        (room.uv_cache, max(0, UV_CACHE_MB - less - fetched)),
        (room.cache, max(0, CACHE_MB - sum(room.cache.sizes_mb.values()))),
        (room.checkout, CHECKOUT_MB if linked else COPIED_MB - less),
    ]


def caches(room: Room) -> Finding:
    """How large they are, and how to be rid of them."""
    lines = []
    for name, folder in (("claylake's", room.cache), ("uv's", room.uv_cache)):
        parts = ", ".join(f"{part} {_gb(size)}" for part, size in sorted(folder.sizes_mb.items()) if size)
        lines.append(f"{name} {_gb(sum(folder.sizes_mb.values()))} at {folder.path}" + (f" ({parts})" if parts else ""))
    return ok("caches", "; ".join(lines), "nothing: both may be removed, and are fetched again")


def environments(installed: Installed) -> Finding:
    """Whether they are there, and as locked."""
    absent = [name for name, differing in installed.environments.items() if differing is None]
    astray = {name: differing for name, differing in installed.environments.items() if differing}
    needed = f"{', '.join(installed.environments)}, each as in locks/<name>.txt"
    if astray:
        differing = "; ".join(
            f"{name}: {', '.join(each[:3])}{' ...' if len(each) > 3 else ''}" for name, each in astray.items()
        )
        files = " ".join(f".venv/{name}/.synced" for name in astray)
        return warning("environments", differing, needed, f"rm -f {files} and make setup")
    if len(absent) == len(installed.environments):
        return warning("environments", "none yet", needed, "make setup; make demo does that first, too")
    if absent:
        return warning("environments", f"no {', '.join(absent)}", needed, "make setup; make demo does that first, too")
    return ok("environments", "all there, as locked", needed)


def jars(installed: Installed) -> Finding:
    """Those that Spark loads."""
    if installed.jars_missing:
        needed = "in .cache/jars, for Spark; set-up fetches them from a Maven repository, which this does not try"
        return warning("jars", f"without {', '.join(installed.jars_missing)}", needed, "make setup")
    return ok("jars", "all there")


def _gb(size_mb: int) -> str:
    return f"{size_mb / 1000:.1f} GB"
