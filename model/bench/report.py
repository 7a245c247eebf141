"""The speed table, for people and for scripts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from model.bench.candidates import BASELINE
from model.bench.timing import Timed
from model.check import markdown
from model.parity import Parity
from model.processor import here

COLUMNS = ("path", "s/chip", "chips/s", "x fp32 eager", "x bf16 autocast", "1 - cosine", "max error", "batch", "load s")
AUTOCAST = "upstream bf16 autocast"


def rows(timed: Sequence[Timed]) -> list[dict[str, Any]]:
    """One row a candidate, beside the published encoder in fp32."""
    found = {each.candidate.name: each for each in timed if each.failed is None}
    baseline = found[BASELINE]
    return [_row(each, baseline, found.get(AUTOCAST)) for each in timed]


def _row(each: Timed, baseline: Timed, autocast: Timed | None) -> dict[str, Any]:
    about = {"path": each.candidate.name, "load_s": round(each.candidate.load_s, 2), "mb": each.candidate.megabytes}
    if each.failed is not None or each.vectors is None or baseline.vectors is None:
        return about | {"failed": each.failed}
    parity = Parity.measure(each.vectors.numpy(), baseline.vectors.numpy())
    return about | {
        "s_per_chip": each.per_chip,
        "rounds_s": each.seconds,
        "first_s": each.first_s,
        "over_fp32_eager": baseline.per_chip / each.per_chip,
        "over_bf16_autocast": autocast.per_chip / each.per_chip if autocast else None,
        "one_minus_cosine": 1 - parity.min_cosine,
        "max_error": parity.max_error,
        "batch": each.batch,
    }


def table(measured: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    return markdown(COLUMNS, [_cells(row) for row in measured])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if "failed" in row:
        return (row["path"], *("-" for _ in COLUMNS[2:]), str(row["failed"])[:60])
    over = row["over_bf16_autocast"]
    return (
        row["path"],
        f"{row['s_per_chip']:.4g}",
        f"{1 / row['s_per_chip']:.4g}",
        f"{row['over_fp32_eager']:.2f}",
        "-" if over is None else f"{over:.2f}",
        f"{row['one_minus_cosine']:.1e}",
        f"{row['max_error']:.1e}",
        str(row["batch"]),
        f"{row['load_s']:.1f}",
    )


def machine(device: str) -> dict[str, Any]:
    """What was measured on."""
    name = torch.cuda.get_device_name() if device == "cuda" else str(here())
    return {
        "device": device,
        "name": name,
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
    }


def write(out: Path, found: dict[str, Any], text: str) -> None:
    """Write JSON and Markdown beside each other."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench-encoder.json").write_text(json.dumps(found, indent=2) + "\n")
    (out / "bench-encoder.md").write_text(text + "\n")
