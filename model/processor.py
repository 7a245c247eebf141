"""What this machine's processor can do: the one place that knows, for build, check, benchmark, embed job and tests.

    >>> processor = this_processor()
    >>> processor.kind in KINDS  # "avx2", "amx", "neon_bf16", ...
    True
    >>> processor.fast_bf16 in {True, False}  # whether bf16 products are faster than fp32 ones
    True
    >>> reason = onednn_refusal("fp32")  # None where oneDNN's private products work here, else why not
    >>> reason is None or "oneDNN" in reason
    True

This module is shipped to executors, and `make doctor` runs it before anything is installed: it needs the standard
library alone, of Python 3.9 or later, and torch only where products are tried.

`CLAYLAKE_CPU=<kind>` pretends a lesser processor: libraries are then limited to what it has. A cap that somebody
set for oneDNN itself (`ONEDNN_MAX_CPU_ISA`) counts likewise.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

X86 = ("x86", "avx2", "avx512", "avx512_bf16", "amx")
"""Kinds of x86-64, each with all that stands before it; `x86` lacks AVX2."""

ARM = ("neon", "neon_bf16", "apple")
"""Kinds of 64-bit ARM: without and with bf16 products, and Apple's own."""

KINDS = (*X86, *ARM)

FAST_BF16 = frozenset({"avx512_bf16", "amx", "neon_bf16"})
"""Kinds that multiply bf16 faster than fp32. Apple's matrix units serve fp32; torch does not reach them in bf16."""

VARIABLE = "CLAYLAKE_CPU"

_NEEDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "avx2": frozenset({"avx2", "fma"}),
        "avx512": frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"}),
        "avx512_bf16": frozenset({"avx512_bf16"}),
        "amx": frozenset({"amx_tile", "amx_bf16"}),
    }
)
"""Flags, as Linux writes them, that a kind has beside those of the kinds before it."""

_LIMITS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "x86": {"ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
        "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
        "avx512": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "ATEN_CPU_CAPABILITY": "avx512"},
        "avx512_bf16": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16", "ATEN_CPU_CAPABILITY": "avx512"},
    }
)
"""What limits oneDNN, torch's own kernels and MKL to a kind; each reads it when it first computes."""

_CAPS: Mapping[str, str] = MappingProxyType(
    {
        "SSE41": "x86",
        "AVX": "x86",
        "AVX2": "avx2",
        "AVX2_VNNI": "avx2",
        "AVX2_VNNI_2": "avx2",
        "AVX512_CORE": "avx512",
        "AVX512_CORE_VNNI": "avx512",
        "AVX512_CORE_BF16": "avx512_bf16",
        "AVX512_CORE_FP16": "avx512_bf16",
        "AVX10_1_512": "avx512_bf16",
    }
)
"""Kinds by the value of `ONEDNN_MAX_CPU_ISA` (oneDNN developer guide, "CPU dispatcher control"); others cap nothing."""


class ProcessorError(ValueError):
    """This machine cannot pretend to have the processor that was named."""


@dataclass(frozen=True)  # Python 3.9 has no keyword-only fields
class Processor:
    """A processor, as far as encoders depend on it.

    Attributes:
        name: As its maker calls it; empty where the system does not report it.
        kind: One of `KINDS`.
        pretended: Whether `kind` is less than what the machine has, because `CLAYLAKE_CPU` or a cap says so.
    """

    name: str
    kind: str
    pretended: bool = False

    @property
    def fast_bf16(self) -> bool:
        """Whether bf16 products are faster than fp32 ones."""
        return self.kind in FAST_BF16

    @property
    def prefers_plain(self) -> bool:
        """Whether torch's ordinary products are expected to be the faster ones; trying decides."""
        return self.kind in {"x86", "avx2", *ARM}

    def __str__(self) -> str:
        """For logs: name and kind."""
        return f"{self.name or 'processor'} ({self.kind}{', pretended' if self.pretended else ''})"


def this_processor() -> Processor:
    """This machine's processor, or the lesser one that it pretends to be, to which libraries are then limited.

    Only those that have not computed yet are: each reads its limit when it first computes.

    Raises:
        ProcessorError: `CLAYLAKE_CPU` names no kind, or one that has more than this machine.
    """
    name, kind = _real()
    wanted = os.environ.get(VARIABLE, "")
    capped = _CAPS.get(os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper(), kind)
    pretended = _lesser(_pretended(kind, wanted) if wanted else kind, capped)
    if wanted and pretended != kind:
        for variable, value in _LIMITS.get(pretended, {}).items():
            os.environ[variable] = value
    return Processor(name, pretended, pretended=pretended != kind)


def kind_of(machine: str, flags: Iterable[str], *, apple: bool = False) -> str:
    """The kind of a processor.

    Args:
        machine: `platform.machine()`, such as `x86_64`, `aarch64`, `arm64`.
        flags: Its features as Linux lists them in /proc/cpuinfo.
        apple: Whether Apple made it.
    """
    held = set(flags)
    if machine.lower() in {"arm64", "aarch64"}:
        return "apple" if apple else "neon_bf16" if "bf16" in held else "neon"
    kind = X86[0]
    for better in X86[1:]:
        if not _NEEDS[better] <= held:
            break
        kind = better
    return kind


def onednn_missing() -> str | None:
    """Why torch has no private products of oneDNN at all; None where it has them, so that programs can hold them."""
    import torch

    processor = this_processor()
    if processor.pretended and processor.kind in ARM:
        return f"{processor} is to do without oneDNN's products"
    names = ("_linear_pointwise", "_reorder_linear_weight")
    missing = [name for name in names if not hasattr(torch.ops.mkldnn, name)]
    return f"torch {torch.__version__} lacks oneDNN's products ({', '.join(missing)})" if missing else None


@functools.cache
def onednn_refusal(precision: str) -> str | None:
    """Why oneDNN's private products cannot be used in a precision; None where they can: they were tried just now.

    torch keeps these operators to itself: they may be missing (other builds and releases), refuse a processor, or be
    wrong. So a small product is made and compared with the ordinary one, and weights are laid out once.

    Args:
        precision: `fp32`, `bf16` or `fp16`.
    """
    import torch

    processor, missing = this_processor(), onednn_missing()
    if missing is not None:
        return missing
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    generator = torch.Generator().manual_seed(1)
    given = torch.randn(8, 64, generator=generator)
    weight, bias = torch.randn(32, 64, generator=generator) / 8, torch.randn(32, generator=generator)
    wanted = torch.nn.functional.gelu(torch.nn.functional.linear(given, weight, bias))
    try:
        product, lay_out = torch.ops.mkldnn._linear_pointwise, torch.ops.mkldnn._reorder_linear_weight  # noqa: SLF001
        with torch.inference_mode():
            for held in (weight.to(dtype), lay_out(weight.to(dtype))):
                got = product(given.to(dtype), held, bias.to(dtype), "gelu", [-1], "none").float()
                if not bool(torch.allclose(got, wanted, atol=1e-5 if precision == "fp32" else 0.05)):
                    return f"oneDNN's {precision} products are wrong on {processor}"
    except (RuntimeError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        return f"oneDNN's {precision} products cannot be used on {processor}: {reason}"
    return None


def _pretended(real: str, wanted: str) -> str:
    """The kind that is wanted, if this machine can be limited to it."""
    possible = (*X86[: X86.index(real) + 1], *ARM) if real in X86 else ("neon", real)
    if wanted not in possible:
        raise ProcessorError(
            f"{VARIABLE} is {wanted!r}; this machine's processor is of kind {real!r}, "
            f"and can pretend to be {', '.join(dict.fromkeys(possible))}"
        )
    return wanted


def _lesser(real: str, capped: str) -> str:
    return min(real, capped, key=X86.index) if real in X86 and capped in X86 else real


@functools.cache
def _real() -> tuple[str, str]:
    """Name and kind of what is built in."""
    if sys.platform == "darwin":
        name = _sysctl("machdep.cpu.brand_string")
        features = f"{_sysctl('machdep.cpu.features')} {_sysctl('machdep.cpu.leaf7_features')}"
        flags = features.lower().replace("avx1.0", "avx").split()
        return name, kind_of(platform.machine(), flags, apple="Apple" in name)
    facts = _cpuinfo(Path("/proc/cpuinfo"))
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    return facts.get("model name", platform.processor()), kind_of(platform.machine(), flags)


def _cpuinfo(path: Path) -> dict[str, str]:
    """The first processor's entries, those of `path` if it can be read."""
    try:
        first = path.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _sysctl(name: str) -> str:
    try:
        done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def main() -> int:
    """Print what is known as JSON; where torch is installed, what was tried, too."""
    try:
        processor = this_processor()
    except ProcessorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found: dict[str, object] = {
        "name": processor.name,
        "kind": processor.kind,
        "pretended": processor.pretended,
        "fast_bf16": processor.fast_bf16,
        "precision": "bf16" if processor.fast_bf16 else "fp32",
        "form": "plain" if processor.prefers_plain else "onednn",
    }
    with contextlib.suppress(ImportError, OSError):  # no torch, or one whose libraries are missing
        tried = {precision: onednn_refusal(precision) or "works" for precision in ("fp32", "bf16")}
        found["onednn"] = tried
        if tried[str(found["precision"])] != "works":
            found["form"] = "plain"
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
