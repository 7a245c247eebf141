"""The speed table, for people and for scripts."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from model.bench.candidates import BASELINE
from model.bench.timing import Timed
from model.check import markdown
from model.parity import Parity
from model.processor import this_processor

COLUMNS = ("path", "s/chip", "chips/s", "x fp32 eager", "x bf16 autocast", "1 - cosine", "max error", "batch", "load s")
AUTOCAST = "upstream bf16 autocast"


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What a candidate reached.

    Attributes:
        s_per_chip: Median of the rounds' seconds.
        rounds_s: Seconds per chip, one for each round.
        first_s: Seconds of the first pass.
        over_fp32_eager: How many times faster than the published encoder in fp32.
        over_bf16_autocast: The same, than in bf16 by autocast; None where that failed.
        one_minus_cosine: Of the vector that is furthest from the published encoder's.
        max_error: Largest difference of a component from the same.
        batch: Chips at once.
    """

    s_per_chip: float
    rounds_s: tuple[float, ...]
    first_s: float
    over_fp32_eager: float
    over_bf16_autocast: float | None
    one_minus_cosine: float
    max_error: float
    batch: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One candidate.

    Attributes:
        path: Its name.
        load_s: Seconds until it could run.
        mb: Size of its file, in megabytes; None where it has none.
        speed: What it reached; None where it failed.
        failed: Why it did.
    """

    path: str
    load_s: float
    mb: float | None
    speed: Speed | None
    failed: str | None = None

    @property
    def document(self) -> dict[str, object]:
        """For JSON."""
        about = {"path": self.path, "load_s": self.load_s, "mb": self.mb}
        return about | (asdict(self.speed) if self.speed else {"failed": self.failed})


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What was measured on: kind of device, name of processor or GPU, torch's threads, instructions, and version."""

    device: str
    name: str
    threads: int
    capability: str
    torch: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a run of the benchmark found.

    Attributes:
        machine: Where.
        size: Name of the encoder's size.
        flops_per_chip: Arithmetic of a chip.
        matmul_bf16_flops: Measured rate of one large bf16 product, floating-point operations a second.
        rows: By candidate.
    """

    machine: Machine
    size: str
    flops_per_chip: float
    matmul_bf16_flops: float
    rows: tuple[Row, ...]

    @property
    def best(self) -> tuple[str, float]:
        """The fastest candidate, and its seconds per chip."""
        return min(((row.path, row.speed.s_per_chip) for row in self.rows if row.speed), key=lambda pair: pair[1])

    @property
    def best_share_of_matmul(self) -> float:
        """How near the fastest comes to the rate of one large product."""
        return self.flops_per_chip / self.best[1] / self.matmul_bf16_flops

    @property
    def document(self) -> dict[str, object]:
        """For JSON."""
        return {
            "machine": asdict(self.machine),
            "size": self.size,
            "flops_per_chip": self.flops_per_chip,
            "matmul_bf16_flops": self.matmul_bf16_flops,
            "best": self.best[0],
            "best_share_of_matmul": self.best_share_of_matmul,
            "rows": [row.document for row in self.rows],
        }


def rows(timed: Sequence[Timed]) -> tuple[Row, ...]:
    """One row a candidate, beside the published encoder in fp32."""
    found = {each.candidate.name: each for each in timed if each.failed is None}
    return tuple(_row(each, found[BASELINE], found.get(AUTOCAST)) for each in timed)


def _row(each: Timed, baseline: Timed, autocast: Timed | None) -> Row:
    speed = None if each.failed is not None else _speed(each, baseline, autocast)
    return Row(
        path=each.candidate.name,
        load_s=round(each.candidate.load_s, 2),
        mb=each.candidate.megabytes,
        speed=speed,
        failed=each.failed,
    )


def _speed(each: Timed, baseline: Timed, autocast: Timed | None) -> Speed | None:
    if each.vectors is None or baseline.vectors is None:
        return None
    parity = Parity.measure(each.vectors.numpy(), baseline.vectors.numpy())
    return Speed(
        s_per_chip=each.per_chip,
        rounds_s=tuple(each.seconds),
        first_s=each.first_s,
        over_fp32_eager=baseline.per_chip / each.per_chip,
        over_bf16_autocast=autocast.per_chip / each.per_chip if autocast else None,
        one_minus_cosine=1 - parity.min_cosine,
        max_error=parity.max_error,
        batch=each.batch,
    )


def table(measured: Sequence[Row]) -> str:
    """The rows as Markdown."""
    return markdown(COLUMNS, [_cells(row) for row in measured])


def _cells(row: Row) -> tuple[str, ...]:
    speed = row.speed
    if speed is None:
        return (row.path, *("-" for _ in COLUMNS[2:]), str(row.failed)[:60])
    over = speed.over_bf16_autocast
    return (
        row.path,
        f"{speed.s_per_chip:.4g}",
        f"{1 / speed.s_per_chip:.4g}",
        f"{speed.over_fp32_eager:.2f}",
        "-" if over is None else f"{over:.2f}",
        f"{speed.one_minus_cosine:.1e}",
        f"{speed.max_error:.1e}",
        str(speed.batch),
        f"{row.load_s:.1f}",
    )


def machine(device: str) -> Machine:
    """This machine, with what measures on it."""
    return Machine(
        device=device,
        name=torch.cuda.get_device_name() if device == "cuda" else str(this_processor()),
        threads=torch.get_num_threads(),
        capability=torch.backends.cpu.get_cpu_capability(),
        torch=torch.__version__,
    )


def write(out: Path, found: Finding, text: str) -> None:
    """Write JSON and Markdown beside each other.

    Args:
        out: Folder; made where there is none.
        found: What was measured, for the JSON.
        text: The Markdown.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench-encoder.json").write_text(json.dumps(found.document, indent=2) + "\n")
    (out / "bench-encoder.md").write_text(text + "\n")
