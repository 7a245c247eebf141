"""System, memory, processor and GPU."""

from __future__ import annotations

from infra.doctor.finding import Finding, missing, ok, warning
from infra.doctor.machine import System, dotted

GLIBC, MACOS = (2, 28), (14,)
"""The oldest for which the locked packages have wheels."""
ENOUGH_MB, LEAST_MB = 7_500, 5_000
"""Memory for `make demo`: at ease, and at all. Its programs take 3.9 GB at most (two cores), the system some more."""
_PLATFORMS = "Linux x86-64 (where it was run), or Linux on 64-bit ARM or macOS on Apple silicon (where it was not)"


def system(facts: System) -> Finding:
    """Whether packages exist for it."""
    arm = facts.architecture in {"aarch64", "arm64"}
    library = {"Linux": "glibc", "Darwin": "macOS"}.get(facts.name, "")
    found = f"{facts.name} on {facts.architecture}" + (f", {library} {dotted(facts.version)}" if facts.version else "")
    if not (facts.name == "Linux" and (arm or facts.architecture == "x86_64")) and not (facts.name == "Darwin" and arm):
        return missing("system", found, f"{_PLATFORMS}: others lack packages", "use one of those machines")
    oldest = GLIBC if facts.name == "Linux" else MACOS
    if facts.version and facts.version < oldest:
        needed = f"{library} {dotted(oldest)} or newer: the locked packages have no wheels for older ones"
        return missing("system", found, needed, "use a newer release of the system")
    if facts.name == "Linux" and not facts.version:
        needed = f"glibc {dotted(GLIBC)} or newer; wheels for musl are not all there"
        return warning("system", f"{found}, without glibc as it seems", needed, "use a distribution with glibc")
    if arm:
        needed = "a machine on which this was run: Linux x86-64. Here packages exist, and nothing was run"
        return warning("system", found, needed, "try; say what breaks")
    return ok("system", f"{found}, {facts.cores} cores")


def memory(facts: System) -> Finding:
    """Whether the demo's programs fit beside each other."""
    needed = f"{LEAST_MB / 1000:.0f} GB for make demo, {ENOUGH_MB / 1000:.1f} GB to be at ease"
    found = f"{facts.memory_mb / 1000:.1f} GB"
    if not facts.memory_mb:
        return warning("memory", "the system does not say", needed, "look yourself")
    if facts.memory_mb < LEAST_MB:
        return missing("memory", found, needed, "use a larger machine, or give the container more")
    if facts.memory_mb < ENOUGH_MB:
        return warning("memory", found, needed, "close other programs while the demo runs")
    return ok("memory", found, needed)


def processor(facts: System) -> Finding:
    """What the embed job will do with it."""
    known = facts.processor
    if known is None:
        return missing("processor", facts.processor_error, "a processor that `python -m model.processor` knows", _RESET)
    name = f"{known.get('name') or 'unnamed'}, kind {known.get('kind')}"
    if known.get("pretended"):
        name += " (pretended)"
    tried = known.get("onednn")
    sure = "embeds" if tried else "will embed (tried after set-up)"
    said = f"{name}; {sure} in {known.get('precision')}, form {known.get('form')}"
    refused = [f"{why}" for why in (tried or {}).values() if why != "works"]
    if refused:
        return ok("processor", f"{said}; {refused[0]}")
    return ok("processor", said)


_RESET = "unset CLAYLAKE_CPU, if you have set it"


def gpu(facts: System) -> Finding:
    """Nothing needs one here."""
    if facts.gpus:
        return ok("gpu", f"{', '.join(facts.gpus)}; the embed job takes it if torch sees it")
    if facts.gpu_error:
        needed = "a driver that works, or no GPU: the processor embeds, too"
        return warning("gpu", f"nvidia-smi fails: {facts.gpu_error}", needed, "mend the driver, or do without")
    if facts.name == "Darwin":
        return ok("gpu", "Apple's, taken only for encoders built with make model ARCH=mps; the processor embeds")
    return ok("gpu", "none; the processor embeds")
