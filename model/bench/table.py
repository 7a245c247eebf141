"""`python -m model parity`: every size, precision, path and convention beside the published encoder."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from model.arch import PRECISIONS_OF, contents, device_for, named_arch
from model.bench.chips import Chips, extreme_chips, realistic_chips
from model.bench.running import eager, written
from model.bench.upstream import UpstreamVectors, upstream_encoder
from model.check import markdown
from model.clay import Clay, bare_encoder
from model.config import named_config
from model.conventions import CONVENTIONS
from model.execution import PLAIN, executions
from model.parity import Parity
from model.program import Vectors, load_program
from model.sensor import SENTINEL_2
from model.weights import seeded_state

log = logging.getLogger(__name__)

COLUMNS = ("size", "precision", "path", *(f"{name}: max error, 1 - cosine" for name in CONVENTIONS))


def parity_table(sizes: Sequence[str], chips: int, *, compiled: bool) -> str:
    """Measure with random weights, on realistic chips and on chips at the ends of uint16.

    Args:
        sizes: Names of sizes that are published.
        chips: So many of either kind.
        compiled: Under torch.compile, too.

    Returns:
        A Markdown table.
    """
    torch.set_float32_matmul_precision("highest")
    arch = named_arch(None)
    device = device_for(arch)
    rows = []
    for size in sizes:
        published, clay = _both(size)
        published.to(device)
        inputs = {name: _inputs(chips, name).to(device) for name in CONVENTIONS}
        wanted = {name: _embed(published, given) for name, given in inputs.items()}
        for precision, path, vectors in _paths(clay, arch, device, compiled=compiled):
            found = [
                Parity.measure(_embed(vectors, given).numpy(), wanted[name].numpy()) for name, given in inputs.items()
            ]
            cells = (f"{parity.max_error:.1e}, {1 - parity.min_cosine:.1e}" for parity in found)
            rows.append((size, precision, path, *cells))
            log.info("%s", "  ".join(rows[-1]))
    return markdown(COLUMNS, rows)


def _both(size: str) -> tuple[UpstreamVectors, Clay]:
    config = named_config(size)
    state = seeded_state(bare_encoder(config), 1, by_hand=False)
    published = upstream_encoder(config)
    published.load_state_dict(state, strict=True)
    return UpstreamVectors(published, SENTINEL_2), Clay(bare_encoder(config), state, SENTINEL_2, source={}, note="")


def _inputs(count: int, convention: str) -> Chips:
    both = realistic_chips(count, 11, convention), extreme_chips(convention)
    return Chips(
        dn=torch.cat((both[0].dn, both[1].dn[-count:])),
        time=torch.cat((both[0].time, both[1].time[-count:])),
        latlon=torch.cat((both[0].latlon, both[1].latlon[-count:])),
    )


def _paths(clay: Clay, arch: str, device: str, *, compiled: bool) -> Iterator[tuple[str, str, Vectors]]:
    forms = contents(arch, PRECISIONS_OF[arch])
    for precision in dict.fromkeys((*forms, "fp16")):
        for execution in (
            executions(precision, forms[precision], device, torch.__version__) if precision in forms else (PLAIN,)
        ):
            if execution.kind == "eager":
                yield precision, execution.name, eager(clay, precision, execution, device)
                continue
            with tempfile.TemporaryDirectory(prefix="claylake-parity-") as folder:
                program = load_program(written(clay, precision, execution.form, Path(folder)), device)
            yield precision, execution.name, program
        if compiled:
            yield precision, "compiled", torch.compile(clay.module(precision).to(device))


def _embed(vectors: Vectors, chips: Chips) -> Tensor:
    """One chip at a time: upstream's activations of a large batch are gigabytes."""
    with torch.no_grad():
        return torch.cat([vectors(*part) for part in chips.batches(1)]).cpu()
