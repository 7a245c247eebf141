"""The embed job's rate over the bare encoder's, measured in turns in one process."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from spark.bench.chips import batches
from spark.embedding.decoding import make_ready
from spark.embedding.rebatch import rebatched
from spark.embedding.worker import embedded
from spark.encoding import load_encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from spark.encoding import Encoder, Prepared


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One measurement of a mode: chips per second, and milliseconds of processor time per chip."""

    rate: float
    cpu_ms: float


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was measured: chips per second, medians of the rounds.

    Attributes:
        model_version: of the encoder.
        precision: that it ran in.
        device: where.
        path: how.
        batch: chips per forward pass.
        threads: torch's, and Blosc2's on a GPU.
        chips: embedded per round and mode.
        frame_kb: mean bytes of a stored chip, in thousands.
        bare: rate of the encoder alone, its input on the device before the clock starts.
        worker: rate of all that a worker does: rebatch, decode, check digests, upload, encode, build rows.
        ratio: median over rounds of worker's over bare's.
        decode: rate of decoding and upload alone, one chip after the other.
        bare_cpu_ms: processor time per chip of the encoder alone, all threads together.
        worker_cpu_ms: likewise of all that a worker does; the difference does not depend on the machine's other load.
    """

    model_version: str
    precision: str
    device: str
    path: str
    batch: int
    threads: int
    chips: int
    frame_kb: float
    bare: float
    worker: float
    ratio: float
    decode: float
    bare_cpu_ms: float
    worker_cpu_ms: float

    def table(self) -> str:
        """As markdown."""
        rows = "\n".join(
            f"| {name} | {value:.4g} |" if isinstance(value, float) else f"| {name} | {value} |"
            for name, value in asdict(self).items()
        )
        return f"| embed worker | |\n|---|---|\n{rows}\n"


def measure(
    folder: Path, *, chips: int, rounds: int, precision: str, device: str | None, batch: int | None, threads: int | None
) -> Finding:
    """Run all modes in turns on the same chips; the first turn of each only warms up.

    Args:
        folder: of the artefact, whole.
        chips: number of chips embedded per round and mode.
        rounds: number of rounds that count, after the one that warms up.
        precision: one of those the artefact lists, or `auto`.
        device: `cpu`, `cuda`, `cuda:<n>` or `mps`; None takes a GPU where there is one.
        batch: chips per forward pass; None finds the size with the most chips per second.
        threads: torch's, and the worker's; None takes all cores.

    Raises:
        EncoderError: the artefact cannot be loaded.
    """
    import torch

    threads = threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    encoder = load_encoder(folder, convention="tutorial", precision=precision, device=device, batch=batch)
    given = batches(chips)
    prepared = [_prepared(encoder, group) for group in rebatched(given, lambda: encoder.batch)]

    def bare() -> int:
        # In a thread, as a worker's encoder is: each has an OpenMP team of its own, which waits as it does there.
        with ThreadPoolExecutor(1) as alone:
            return alone.submit(lambda: sum(len(encoder.raw(group)) for group in prepared)).result()

    def worker() -> int:
        return sum(made.num_rows for made in embedded(iter(given), encoder, threads))

    def decode() -> int:
        return sum(len(_prepared(encoder, group)) for group in rebatched(given, lambda: encoder.batch))

    turns: dict[Callable[[], int], list[Turn]] = {bare: [], worker: [], decode: []}
    for number in range(rounds + 1):
        # Each mode goes first as often: what runs second meets a warmer machine.
        for mode in (bare, worker, decode) if number % 2 else (decode, worker, bare):
            turn = _turn(mode, chips)
            if number:
                turns[mode].append(turn)
    rates = {mode: [turn.rate for turn in some] for mode, some in turns.items()}
    cpu = {mode: median(turn.cpu_ms for turn in some) for mode, some in turns.items()}
    return Finding(
        model_version=encoder.model_version,
        precision=encoder.precision,
        device=encoder.device,
        path=encoder.path,
        batch=encoder.batch,
        threads=threads,
        chips=chips,
        frame_kb=float(np.mean([len(frame.as_py()) for frame in given[0].column("clay_tensor")])) / 1000,
        bare=median(rates[bare]),
        worker=median(rates[worker]),
        ratio=median(one / other for one, other in zip(rates[worker], rates[bare], strict=True)),
        decode=median(rates[decode]),
        bare_cpu_ms=cpu[bare],
        worker_cpu_ms=cpu[worker],
    )


def _prepared(encoder: Encoder, group: pa.RecordBatch) -> Prepared:
    with ThreadPoolExecutor(1) as threads:
        prepared = make_ready(group, encoder, threads).prepared
    if prepared is None:
        raise RuntimeError("no chip of a group could be decoded: rates would not compare")
    return prepared


def _turn(mode: Callable[[], int], chips: int) -> Turn:
    wall, cpu = time.perf_counter(), time.process_time()
    done = mode()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if done != chips:
        raise RuntimeError(f"{done} of {chips} chips came out: rates would not compare")
    return Turn(rate=chips / wall, cpu_ms=1000 * cpu / chips)
