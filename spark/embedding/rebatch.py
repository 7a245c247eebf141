"""Arrow batches cut and joined to the encoder's batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa


def rebatched(batches: Iterable[pa.RecordBatch], size: Callable[[], int]) -> Iterator[pa.RecordBatch]:
    """The same rows in the same order, `size()` at a time; the last group may be smaller.

    `size` is called for each group, because the batch size falls when memory runs short.
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held += [batch] if batch.num_rows else []
        while held and sum(part.num_rows for part in held) >= (wanted := size()):
            whole = _joined(held)
            yield whole.slice(0, wanted)
            held = [whole.slice(wanted)] if whole.num_rows > wanted else []
    if held:
        yield _joined(held)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """The batches as one; a single one is not copied."""
    from pyarrow.lib import concat_batches

    return batches[0] if len(batches) == 1 else concat_batches(batches)
