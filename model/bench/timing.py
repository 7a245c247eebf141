"""Interleaved timing: every candidate once a round, so that a machine that grows slower slows them all."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import torch
from torch import Tensor

from model.bench.candidates import Candidate
from model.bench.chips import Chips
from model.bench.work import wait

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Timed:
    """A candidate's times.

    Attributes:
        candidate: Which.
        batch: Chips at once, the fastest of those tried.
        first_s: Seconds of its first pass: compiling, laying out weights, filling caches.
        seconds: Per chip, one for each round.
        vectors: `[n, out_dim]` of its last pass, on the CPU.
        failed: Why it gave none.
    """

    candidate: Candidate
    batch: int = 0
    first_s: float = 0.0
    seconds: list[float] = field(default_factory=list)
    vectors: Tensor | None = None
    failed: str | None = None

    @property
    def per_chip(self) -> float:
        """Median seconds."""
        return median(self.seconds)


def run(timed: Sequence[Timed], chips: Chips, batches: Sequence[int], rounds: int, device: str) -> None:
    """Try the batch sizes, then time each candidate at its best, round by round.

    Args:
        timed: What to time; the times are written into it.
        chips: Embedded in each pass, on the device.
        batches: Sizes to try.
        rounds: Passes of each candidate that are timed.
        device: Where the candidates run.
    """
    for each in timed:
        _warm(each, chips, batches, device)
    for number in range(rounds):
        for each in timed:
            if each.failed is None:
                each.seconds.append(_pass(each, chips, each.batch, device))
        log.info("round %d of %d", number + 1, rounds)


def _warm(each: Timed, chips: Chips, batches: Sequence[int], device: str) -> None:
    tried = {}
    try:
        for batch in batches:
            first = _pass(each, chips, batch, device)
            each.first_s = each.first_s or first * len(chips.dn)
            tried[batch] = min(first, _pass(each, chips, batch, device)) if device != "cpu" else first
    except (RuntimeError, OSError) as error:
        # A compiler that is missing, or that does not know an operator, costs this candidate only.
        each.failed = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        log.warning("%s: %s", each.candidate.name, each.failed)
        return
    each.batch = min(tried, key=lambda batch: tried[batch])
    log.info("%s: batch %d of %s", each.candidate.name, each.batch, tuple(tried))


def _pass(each: Timed, chips: Chips, batch: int, device: str) -> float:
    """Embed all chips; seconds per chip."""
    with torch.no_grad():
        wait(device)
        begun = time.perf_counter()
        vectors = [each.candidate.vectors(*part) for part in chips.batches(batch)]
        wait(device)
        seconds = time.perf_counter() - begun
    each.vectors = torch.cat([part.float().cpu() for part in vectors])
    return seconds / len(chips.dn)
