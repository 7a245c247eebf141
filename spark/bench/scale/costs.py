"""Unit costs: what one chip, scene, file, batch or request takes, each with where the figure is from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from claylake.cluster.estimate import EXTRACT_CHIPS_S_VCPU, OBSERVATIONS_S_VCPU, READ_MB_PER_CHIP, STORE_MB_PER_CHIP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MEASURED = "measured, AMD EPYC (AVX2), 2 cores"
DERIVED = "derived from measured figures"
ESTIMATE = "the plan's estimate"
FROM_CODE = "counted in the code"
LISTED = "published by the vendor, not checked in an account"

_FULL_BLOCKS = 736
"""Of a full tile's eleven files: four of 121 blocks, seven of 36."""
_FULL_CHIPS = 1_764
_WHOLE_REQUESTS, _SPLIT_REQUESTS = 0.22 * _FULL_BLOCKS, 0.51 * _FULL_BLOCKS
"""Of a full tile, read as a whole and in six parts (docs/reading.md)."""
_PER_PART = (_SPLIT_REQUESTS - _WHOLE_REQUESTS) / 5
_RATES = "chips over windows kept open, two processes"
"""The row of `make bench-extract` with rates of a core."""
_FASTEST_CHIPS_S = 44.0
"""Of a core, two at work, chips written; write_once: 87.9 a second on two cores."""
_PIXELS_SHARE = 0.58 / 1.58
"""Time for pixels alone, of a chip's: rates of both over those of the same windows (docs/reading.md)."""


def _cost(value: float, source: str, what: str) -> float:
    cost: float = field(default=value, metadata={"source": source, "what": what})
    return cost


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Seconds, bytes and requests of single things. `slow`: a vCPU's time over a core's of the machine measured."""

    slow: float = _cost(
        _FASTEST_CHIPS_S / EXTRACT_CHIPS_S_VCPU, ESTIMATE, "time on a node's vCPU, network included, over time here"
    )
    chip_s: float = _cost(
        (1 - _PIXELS_SHARE) / _FASTEST_CHIPS_S, DERIVED, "seconds to make and write a chip from its pixels"
    )
    block_s: float = _cost(
        _PIXELS_SHARE / _FASTEST_CHIPS_S * _FULL_CHIPS / _FULL_BLOCKS, DERIVED, "seconds to fetch and decode a block"
    )
    open_s: float = _cost(0.3, MEASURED, "seconds of a scene whose files are refused as they are opened")
    worker_s: float = _cost(2.5, MEASURED, "seconds until a new Python worker works")
    observe_s: float = _cost(1 / OBSERVATIONS_S_VCPU, ESTIMATE, "seconds of a vCPU to observe a candidate")
    commit_s: float = _cost(0.2, DERIVED, "seconds of a commit without files: a line through commits of 40 and 96")
    commit_file_s: float = _cost(0.0012, MEASURED, "seconds of a commit for each file: one of 5,000 files")
    step_s: float = _cost(40.0, MEASURED, "seconds of a step beside observing, reading and commits, of a small run")
    gather_s: float = _cost(50e-6, MEASURED, "driver's seconds for a chip until it can be read: its row and cell")
    deal_s: float = _cost(15e-6, MEASURED, "driver's seconds for a chip before tasks begin: dealt and pickled")
    row_bytes: float = _cost(1_600, MEASURED, "bytes of a chip in the driver's Python: its row of the choice")
    cell_bytes: float = _cost(800, MEASURED, "bytes of a chip in the driver's Python, from then until it is read")
    driver_mb: float = _cost(230, MEASURED, "MB of the driver's Python with all packages, before any work")
    sent_bytes: float = _cost(300, MEASURED, "pickled bytes of a chip to read")
    key_bytes: float = _cost(54, MEASURED, "pickled bytes of a chip that come back: its key")
    document_bytes: float = _cost(1_900, MEASURED, "pickled bytes of a file that come back: its document")
    chip_mb: float = _cost(STORE_MB_PER_CHIP, ESTIMATE, "MB of a chip with its preview")
    block_mb: float = _cost(
        READ_MB_PER_CHIP * _FULL_CHIPS / _FULL_BLOCKS, DERIVED, "MB of a block: a full tile's chips over its blocks"
    )
    part_requests: float = _cost(_PER_PART, DERIVED, "GET to open the files of a task: whole tile against six parts")
    block_requests: float = _cost(
        (_WHOLE_REQUESTS - _PER_PART) / _FULL_BLOCKS, DERIVED, "GET for a block: several come in one request"
    )
    scl_requests: float = _cost(10, DERIVED, "GET to observe a scene: one file of 36 blocks")
    commit_bytes: float = _cost(15_000, DERIVED, "bytes of metadata of a commit without files")
    commit_file_bytes: float = _cost(222, MEASURED, "bytes of metadata for each file: a commit of 5,000 files")
    commit_puts: float = _cost(4, FROM_CODE, "PUT of a commit: manifest, its list, table metadata, reading log")
    commit_lists: float = _cost(2, FROM_CODE, "LIST of a batch's folder, for each 1,000 files")
    commit_glue: float = _cost(9, FROM_CODE, "Glue requests of a batch, one of them the commit")


def with_rates(costs: Costs, rows: Iterable[Mapping[str, Any]]) -> Costs:
    """The costs with chips' and pixels' rates of a core, two at work, as `make bench-extract` has measured them.

    The time on a node's vCPU stays that of the estimate.

    Args:
        costs: all others.
        rows: of its JSON, made with a full tile.

    Raises:
        ValueError: the rates are not among them.
    """
    for row in rows:
        if row["what"] == _RATES:
            chips, pixels = (row["details"][f"{name}/s of a core"] for name in ("chips", "pixels"))
            return replace(
                costs,
                slow=chips / EXTRACT_CHIPS_S_VCPU,
                chip_s=1 / chips - 1 / pixels,
                block_s=_FULL_CHIPS / _FULL_BLOCKS / pixels,
            )
    raise ValueError(f"no row {_RATES!r}: is this what make bench-extract has written?")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a cluster and its services allow."""

    put_s: float = _cost(3_500, LISTED, "PUT a second and partitioned prefix of S3")
    get_s: float = _cost(5_500, LISTED, "GET a second and partitioned prefix of S3")
    result_mb: float = _cost(1_074, LISTED, "spark.driver.maxResultSize by default: results of a job, MB")
    message_mb: float = _cost(134, LISTED, "spark.rpc.message.maxSize by default: one task, MB")
    python_mb: float = _cost(1_074, FROM_CODE, "spark.driver.memoryOverhead of a step: the driver's Python, MB")
    nodes: float = _cost(64, FROM_CODE, "cluster.cpu_count at most")


@dataclass(frozen=True, kw_only=True)
class Requests:
    """US dollars of S3's requests: list prices of us-east-1's standard class, noted in 2026-11."""

    put_usd: float = _cost(0.005 / 1000, LISTED, "US dollars of a PUT or LIST")
    get_usd: float = _cost(0.0004 / 1000, LISTED, "US dollars of a GET from a bucket of one's own")


def sources(*tables: Costs | Limits | Requests) -> Iterator[str]:
    """Each figure as a row of Markdown: what, value, source."""
    yield "| unit | figure | source |\n|---|---|---|\n"
    for table in tables:
        for each in fields(table):
            yield f"| {each.metadata['what']} | {getattr(table, each.name):.4g} | {each.metadata['source']} |\n"
