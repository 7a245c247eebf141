"""One worker's batches: vectors are the encoder's, poison chips are failures and never zeros."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from spark.chips import tensor
from spark.embedding.artefact import local_copy
from spark.embedding.work import CARRIED
from spark.embedding.worker import INPUT, OUTPUT_DDL, embed_batch
from spark.encoding.result import EncodeResult
from tests.spark.lake import rows

CELLS = rows.CELLS_3X3


class FakeEncoder:
    """Vectors that tell which chip, place and time they were made from."""

    device = "cpu"

    def __init__(self, poison=(), zero=()):
        self.calls = []
        self.poison, self.zero = poison, zero

    def encode(self, chips, lonlat, when):
        self.calls.append(len(chips))
        assert chips.dtype == np.uint16
        assert lonlat.shape == (len(chips), 2)
        assert when.dtype.kind == "M"
        vectors = np.zeros((len(chips), 1024), np.float32)
        vectors[:, 0] = chips[:, 0, 0, 0]
        vectors[:, 1:3] = lonlat
        vectors[:, 3] = when.astype("datetime64[D]").astype(int)
        for row, mark in enumerate(chips[:, 0, 0, 0]):
            if mark in self.poison:
                vectors[row] = np.inf
            if mark in self.zero:
                vectors[row] = 0
        return EncodeResult.judged(vectors)


def batch_of(made):
    kinds = {"string": pa.string(), "timestamp": pa.timestamp("us", "UTC"), "binary": pa.binary()}
    kinds |= {"double": pa.float64(), "float": pa.float32()}
    columns = {name: pa.array([row[name] for row in made], kinds[kind]) for name, kind in CARRIED}
    columns["clay_tensor"] = pa.array([row["clay_tensor"] for row in made], pa.binary())
    columns["lon"] = pa.array([10.0 + number for number in range(len(made))])
    columns["lat"] = pa.array([20.0 + number for number in range(len(made))])
    return pa.RecordBatch.from_arrays([columns[name] for name in INPUT], names=list(INPUT))


def marked(cell, mark):
    pixels = np.full(tensor.SHAPE, mark, np.uint16)
    return rows.chip(cell, rows.PASS_A, clay_tensor=tensor.encode(pixels), content_digest=tensor.digest(pixels))


def test_every_chip_keeps_its_row_place_and_time():
    made = [marked(cell, 100 + number) for number, cell in enumerate(CELLS[:5])]
    encoder = FakeEncoder()
    out = embed_batch(batch_of(made), encoder, size=2)
    assert encoder.calls == [2, 2, 1]
    assert out.column("id").to_pylist() == [row["id"] for row in made]
    vectors = np.array(out.column("global_embedding").to_pylist())
    day = np.datetime64(rows.moment(rows.PASS_A).replace(tzinfo=None), "D").astype(int)
    expected = [[100 + n, 10 + n, 20 + n, day] for n in range(5)]
    assert vectors[:, :4].tolist() == expected
    assert out.column("failure").to_pylist() == [None] * 5
    assert set(out.column("device").to_pylist()) == {"cpu"}
    assert [f"{name}" for name in out.schema.names] == [part.split()[0] for part in OUTPUT_DDL.split(", ")]


def test_poison_chips_are_failures_and_spoil_no_other():
    made = [marked(cell, 100 + number) for number, cell in enumerate(CELLS[:7])]
    made[0]["clay_tensor"] = b"not a frame"
    made[1]["clay_tensor"] = made[2]["clay_tensor"]
    made[3]["clay_tensor"] = rows.pack(np.zeros((10, 16, 16), np.uint16))
    out = embed_batch(batch_of(made), FakeEncoder(poison=(104,), zero=(105,)), size=16)
    assert out.column("failure").to_pylist() == [
        "chip_undecodable", "chip_digest", None, "chip_shape", "vector_not_finite", "vector_zero", None,
    ]  # fmt: skip
    kept = [vector is not None for vector in out.column("global_embedding").to_pylist()]
    assert kept == [False, False, True, False, False, False, True]
    assert out.column("global_embedding")[6].as_py()[0] == 106


def test_a_batch_of_poison_needs_no_encoder_call():
    made = [marked(CELLS[0], 1) | {"clay_tensor": b""}]
    encoder = FakeEncoder()
    assert embed_batch(batch_of(made), encoder, size=4).column("failure").to_pylist() == ["chip_undecodable"]
    assert not encoder.calls


def test_artefact_is_fetched_once_and_again_when_replaced(tmp_path):
    source, root = tmp_path / "source", tmp_path / "root"
    source.mkdir()
    for name in ("model.json", "encoder.pt2", "reference.npz"):
        (source / name).write_bytes(b"1")
    first = local_copy(str(source), root)
    assert sorted(path.name for path in first.iterdir()) == ["encoder.pt2", "model.json", "reference.npz"]
    (source / "encoder.pt2").unlink()
    assert local_copy(str(source), root) == first
    (source / "model.json").write_bytes(b"2")
    with pytest.raises(Exception, match=r"encoder\.pt2"):
        local_copy(str(source), root)
    (source / "encoder.pt2").write_bytes(b"2")
    second = local_copy(str(source), root)
    assert second != first
    assert (second / "encoder.pt2").read_bytes() == b"2"
    assert sorted(root.iterdir()) == sorted([first, second])
