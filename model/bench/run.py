"""`python -m model bench`: the published encoder and ours, timed in one run."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from model.arch import device_for, named_arch
from model.bench import report, timing
from model.bench.candidates import candidates
from model.bench.chips import realistic_chips
from model.bench.work import flops_per_chip, matmul_rate
from model.config import named_config
from model.sensor import SENTINEL_2

log = logging.getLogger(__name__)

DEFAULTS = {"cpu": (2, (1, 2)), "mps": (16, (4, 16)), "cuda": (512, (64, 128, 256))}
"""By device: chips of a pass, and batch sizes to try."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What to measure.

    Attributes:
        size: Name of a size.
        seed: Of the weights and the chips.
        rounds: Timed passes of each candidate.
        chips: Chips of a pass; None takes the device's default.
        batches: Batch sizes to try; None takes the device's default.
        compiled: Candidates under torch.compile, too.
        out: Folder for JSON and table.
    """

    size: str = "large"
    seed: int = 1
    rounds: int = 3
    chips: int | None = None
    batches: Sequence[int] | None = None
    compiled: bool = False
    out: Path = Path("out")


def bench(wanted: Bench) -> str:
    """Measure, write `bench-encoder.{json,md}`, and give the table.

    Raises:
        UnknownNameError: No such size.
        ModelError: claymodel is not installed.
    """
    torch.set_float32_matmul_precision("highest")
    config, arch = named_config(wanted.size), named_arch(None)
    device = device_for(arch)
    count, batches = DEFAULTS[device]
    chips = realistic_chips(wanted.chips or count, wanted.seed).to(device)
    with tempfile.TemporaryDirectory(prefix="claylake-bench-") as folder:
        made = candidates(config, wanted.seed, arch, device, Path(folder), compiled=wanted.compiled)
        timed = [timing.Timed(candidate=candidate) for candidate in made]
        timing.run(timed, chips, wanted.batches or batches, wanted.rounds, device)
    found = report.Finding(
        machine=report.machine(device),
        size=wanted.size,
        flops_per_chip=flops_per_chip(config, len(SENTINEL_2.bands)),
        matmul_bf16_flops=matmul_rate(device),
        rows=report.rows(timed),
    )
    text = _text(found, wanted.rounds)
    report.write(wanted.out, found, text)
    return text


def _text(found: report.Finding, rounds: int) -> str:
    path, seconds = found.best
    sizes = [f"{row.path} {row.mb:.0f} MB" for row in found.rows if row.mb]
    return (
        f"size {found.size}, medians of {rounds} interleaved rounds, {asdict(found.machine)}\n\n"
        f"{report.table(found.rows)}\n\n"
        f"best: {path}, {found.flops_per_chip / seconds / 1e12:.3g} TFLOP/s, "
        f"{found.best_share_of_matmul:.0%} of one large bf16 product"
        f" ({found.matmul_bf16_flops / 1e12:.3g} TFLOP/s; {found.flops_per_chip / 1e12:.3g} TFLOP a chip)\n"
        f"files: {', '.join(sizes)}"
    )
