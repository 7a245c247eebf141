"""One worker's batches: vectors are the encoder's, poison chips are failures and never zeros."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from claylake import store
from claylake.errors import StoreError
from claylake.vocabulary import BANDS, CHIP_PX
from spark.chips import tensor
from spark.embedding.columns import CARRIED, INPUT, OUTPUT
from spark.embedding.local_copy import LocalCopy
from spark.embedding.worker import embedded
from spark.encoding.errors import UnsoundError
from spark.encoding.result import EncodeResult
from tests.spark.encoding.loading import encoder_of
from tests.spark.encoding.test_runner import choking
from tests.spark.lake import rows

CELLS = rows.CELLS_3X3


class FakeEncoder:
    """Vectors that tell which chip, place and time they were made from."""

    device, precision, path = "cpu", "bf16", "fake"

    def __init__(self, poison=(), zero=(), raising=(), batch=2):
        self.calls = []
        self.poison, self.zero, self.raising = poison, zero, raising
        self.batch = batch

    def buffer(self, count):
        return np.full((count, *tensor.SHAPE), 7, np.uint16)

    def prepare(self, chips, lonlat, when):
        assert chips.dtype == np.uint16
        assert lonlat.shape == (len(chips), 2)
        assert when.dtype.kind == "M"
        return chips.copy(), lonlat, when

    def run(self, prepared):
        chips, lonlat, when = prepared
        self.calls.append(len(chips))
        vectors = np.zeros((len(chips), 1024), np.float32)
        vectors[:, 0] = chips[:, 0, 0, 0]
        vectors[:, 1:3] = lonlat
        vectors[:, 3] = when.astype("datetime64[D]").astype(int)
        marks = chips[:, 0, 0, 0]
        vectors[np.isin(marks, self.poison)] = np.inf
        vectors[np.isin(marks, self.zero)] = 0
        return EncodeResult.judged(vectors, raised=np.flatnonzero(np.isin(marks, self.raising)))


def run(made, encoder, rows_per_batch=64):
    """One table of what a worker makes of rows that come so many at a time."""
    batch = batch_of(made)
    batches = [batch.slice(start, rows_per_batch) for start in range(0, len(made), rows_per_batch)]
    return pa.Table.from_batches(embedded(iter(batches), encoder, threads=1)).combine_chunks()


def batch_of(made):
    columns = {field.name: pa.array([row[field.name] for row in made], field.type) for field in CARRIED.arrow}
    columns["clay_tensor"] = pa.array([row["clay_tensor"] for row in made], pa.binary())
    columns["lon"] = pa.array([10.0 + number for number in range(len(made))])
    columns["lat"] = pa.array([20.0 + number for number in range(len(made))])
    return pa.RecordBatch.from_arrays([columns[name] for name in INPUT], names=list(INPUT))


def marked(cell, mark):
    pixels = np.full(tensor.SHAPE, mark, np.uint16)
    return rows.chip(cell, rows.PASS_A, clay_tensor=tensor.encode(pixels), content_digest=tensor.digest(pixels))


@pytest.mark.parametrize("rows_per_batch", [1, 2, 3, 64])
def test_every_chip_keeps_its_row_place_and_time(rows_per_batch):
    made = [marked(cell, 100 + number) for number, cell in enumerate(CELLS[:5])]
    encoder = FakeEncoder()
    out = run(made, encoder, rows_per_batch)
    assert encoder.calls == [2, 2, 1]
    assert out.column("id").to_pylist() == [row["id"] for row in made]
    vectors = np.array(out.column("global_embedding").to_pylist())
    day = np.datetime64(rows.moment(rows.PASS_A).replace(tzinfo=None), "D").astype(int)
    expected = [[100 + n, 10 + n, 20 + n, day] for n in range(5)]
    assert vectors[:, :4].tolist() == expected
    assert out.column("failure").to_pylist() == [None] * 5
    for name in ("device", "precision", "path"):
        assert set(out.column(name).to_pylist()) == {getattr(encoder, name)}
    assert tuple(out.schema.names) == OUTPUT.names


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_poison_chips_are_failures_and_spoil_no_other(batch):
    made = [marked(cell, 100 + number) for number, cell in enumerate(CELLS[:8])]
    made[0]["clay_tensor"] = b"not a frame"
    made[1]["clay_tensor"] = made[2]["clay_tensor"]
    made[3]["clay_tensor"] = rows.pack(np.zeros((10, 16, 16), np.uint16))
    out = run(made, FakeEncoder(poison=(104,), zero=(105,), raising=(107,), batch=batch))
    assert out.column("failure").to_pylist() == [
        "chip_undecodable", "chip_digest", None, "chip_shape", "vector_not_finite", "vector_zero", None, "encoder_error",
    ]  # fmt: skip
    first = [vector and vector[0] for vector in out.column("global_embedding").to_pylist()]
    assert first == [None, None, 102, None, None, None, 106, None]


def test_a_network_that_chokes_on_a_chip_loses_that_chip_alone():
    encoder = encoder_of(choking([103]), batch=4, bands=BANDS, chip_px=CHIP_PX)
    out = run([marked(cell, 100 + number) for number, cell in enumerate(CELLS[:9])], encoder)
    failures = out.column("failure").to_pylist()
    assert failures == [None] * 3 + ["encoder_error"] + [None] * 5
    first = [vector and vector[0] for vector in out.column("global_embedding").to_pylist()]
    assert first == [100, 101, 102, None, 104, 105, 106, 107, 108]


def test_a_batch_of_poison_needs_no_encoder_call():
    made = [marked(CELLS[0], 1) | {"clay_tensor": b""}]
    encoder = FakeEncoder()
    assert run(made, encoder).column("failure").to_pylist() == ["chip_undecodable"]
    assert not encoder.calls


def test_a_batch_that_shrinks_under_way_is_obeyed():
    class Shrinking(FakeEncoder):
        def run(self, prepared):
            self.batch = 1
            return super().run(prepared)

    made = [marked(cell, 100 + number) for number, cell in enumerate(CELLS[:9])]
    encoder = Shrinking(batch=2)
    assert run(made, encoder).column("id").to_pylist() == [row["id"] for row in made]
    assert encoder.calls[-1] == 1
    assert sum(encoder.calls) == 9


def test_decoding_goes_on_while_the_encoder_works():
    """The encoder holds its first batch until a later one has been decoded."""
    later = threading.Event()

    class Waiting(FakeEncoder):
        prepared = 0

        def prepare(self, *given):
            self.prepared += 1
            if self.prepared == 2:
                later.set()
            return super().prepare(*given)

        def run(self, prepared):
            assert later.wait(300)
            return super().run(prepared)

    made = [marked(cell, 100 + number) for number, cell in enumerate(CELLS[:6])]
    assert run(made, Waiting(), rows_per_batch=2).num_rows == 6


def test_what_the_encoder_raises_ends_the_task():
    class Dead(FakeEncoder):
        def run(self, prepared):
            raise UnsoundError(f"dead of {len(prepared)}")

    made = [marked(cell, 100 + number) for number, cell in enumerate(CELLS[:9])]
    with pytest.raises(UnsoundError):
        run(made, Dead())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("encoding", "decoding"))]


def test_an_artefacts_files_are_fetched_once_and_again_when_it_is_replaced(tmp_path):
    source, root = tmp_path / "source", tmp_path / "root"
    source.mkdir()
    program = "encoder-fp32.pt2"
    for name in ("model.json", program, "weights.safetensors"):
        (source / name).write_bytes(b"1")
    first = LocalCopy.of(str(source), root)
    assert held(first) == ["model.json"]
    assert first.fetch(program).read_bytes() == b"1"
    assert held(first) == [program, "model.json"]
    (source / program).unlink()
    assert LocalCopy.of(str(source), root).fetch(program) == first.folder / program
    (source / "model.json").write_bytes(b"2")
    second = LocalCopy.of(str(source), root)
    with pytest.raises(StoreError, match=r"encoder-fp32\.pt2"):
        second.fetch(program)
    (source / program).write_bytes(b"2")
    assert second.fetch(program).read_bytes() == b"2"
    assert sorted(root.iterdir()) == sorted([first.folder, second.folder])


def held(copy):
    return sorted(path.name for path in copy.folder.iterdir() if not path.name.startswith("."))


def test_workers_that_fetch_at_the_same_time_fetch_once(tmp_path, monkeypatch):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("model.json", "big"):
        (source / name).write_bytes(b"1")
    copy, real, fetched = LocalCopy.of(str(source), tmp_path / "root"), store.download, []

    def slowly(uri, target):
        fetched.append(uri)
        time.sleep(0.2)
        real(uri, target)

    monkeypatch.setattr(store, "download", slowly)
    with ThreadPoolExecutor(4) as workers:
        found = list(workers.map(lambda _: copy.fetch("big").read_bytes(), range(4)))
    assert (found, len(fetched)) == ([b"1"] * 4, 1)
