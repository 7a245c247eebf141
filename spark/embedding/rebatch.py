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
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        held += [batch] if batch.num_rows else []
        while held and sum(part.num_rows for part in held) >= (wanted := size()):
            whole = pa.concat_batches(held) if len(held) > 1 else held[0]
            yield whole.slice(0, wanted)
            held = [whole.slice(wanted)] if whole.num_rows > wanted else []
    if held:
        yield pa.concat_batches(held)
