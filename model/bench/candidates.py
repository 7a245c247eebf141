"""The encoders and paths that are timed beside each other."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from model.arch import PRECISIONS_OF, contents
from model.bench.graphs import with_graph
from model.bench.running import eager, written
from model.bench.upstream import UpstreamVectors, upstream_encoder
from model.clay import Clay, bare_encoder
from model.config import EncoderConfig
from model.execution import executions
from model.program import Vectors, load_program
from model.sensor import SENTINEL_2
from model.weights import seeded_state

log = logging.getLogger(__name__)

BASELINE = "upstream fp32 eager"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One encoder, precision and execution path.

    Attributes:
        name: Whose encoder, precision, path.
        vectors: The encoder.
        load_s: Seconds from files or weights to this.
        megabytes: Size of its file, where it has one.
    """

    name: str
    vectors: Vectors
    load_s: float
    megabytes: float | None = None


def candidates(
    config: EncoderConfig, seed: int, arch: str, device: str, folder: Path, *, compiled: bool
) -> Iterator[Candidate]:
    """Make them, all with the same random weights, the baseline first.

    Args:
        config: Size.
        seed: Of the weights.
        arch: Kind of machine.
        device: Where they run.
        folder: Where exported programs are written.
        compiled: Those under torch.compile, too: they need a C++ compiler, and minutes.
    """
    state = seeded_state(bare_encoder(config), seed, by_hand=False)
    published = upstream_encoder(config)
    published.load_state_dict(state, strict=True)
    upstream = UpstreamVectors(published, SENTINEL_2).to(device)
    yield _timed(BASELINE, partial(_same, upstream))
    yield _timed("upstream bf16 autocast", partial(_autocast, upstream, device))
    if compiled:
        yield _timed("upstream bf16 autocast compiled", lambda: _autocast(_compiled(upstream, device), device))

    clay = Clay(bare_encoder(config), state, SENTINEL_2, source={"seed": seed}, note="")
    for precision, form in contents(arch, PRECISIONS_OF[arch]).items():
        for execution in executions(precision, form, device, torch.__version__):
            name = f"lean {precision} {execution.name}"
            if execution.kind == "eager":
                yield _timed(name, partial(eager, clay, precision, execution, device))
                continue
            path = written(clay, precision, form, folder)
            program = _timed(name, partial(load_program, path, device), path)
            yield program
            if device == "cuda":
                yield _timed(f"{name} graph", partial(with_graph, program.vectors))
        if compiled and precision != "fp32":
            yield _timed(f"lean {precision} compiled", partial(_compiled, clay.module(precision).to(device), device))


def _same(vectors: Vectors) -> Vectors:
    return vectors


def _timed(name: str, make: Callable[[], Vectors], path: Path | None = None) -> Candidate:
    begun = time.perf_counter()
    made = make()
    seconds = time.perf_counter() - begun
    return Candidate(name=name, vectors=made, load_s=seconds, megabytes=path.stat().st_size / 1e6 if path else None)


def _autocast(vectors: Vectors, device: str) -> Vectors:
    def embed(dn: Tensor, when: Tensor, latlon: Tensor) -> Tensor:
        """Embed under autocast to bf16.

        Args:
            dn: `[B, C, 256, 256]` float32.
            when: `[B, 4]` float32.
            latlon: `[B, 4]` float32.
        """
        with torch.autocast(device, torch.bfloat16):
            return vectors(dn, when, latlon)

    return embed


def _compiled(module: nn.Module, device: str) -> Vectors:
    """On CPUs with weights frozen into the code, which lets oneDNN lay them out beforehand."""
    if device == "cpu":
        frozen: Vectors = torch.compile(module, options={"freezing": True})
        return frozen
    tuned: Vectors = torch.compile(module, mode="max-autotune")
    return tuned
