import json
from pathlib import Path

import pytest
import torch

from model.arch import contents
from model.bench import run as running
from model.bench import table
from model.bench.candidates import Candidate
from model.bench.chips import extreme_chips, realistic_chips
from model.bench.report import rows
from model.bench.run import Bench, bench
from model.bench.timing import Timed, run
from model.bench.work import flops_per_chip
from model.config import named_config
from model.execution import executions
from tests.model.clays import MICRO, needs_upstream


def test_work_of_the_published_size():
    assert flops_per_chip(named_config("large"), 10) == pytest.approx(0.72e12, rel=0.01)


def test_chips_are_dn():
    assert torch.equal(realistic_chips(2, 3).dn, realistic_chips(2, 3).dn)
    for chips in (realistic_chips(2, 3), extreme_chips()):
        assert chips.dn.dtype == torch.float32
        assert torch.equal(chips.dn, chips.dn.round())
        assert 0 <= chips.dn.min() <= chips.dn.max() <= 65535
    parts = extreme_chips().batches(3)
    assert [len(part[0]) for part in parts] == [3, 3, 1]


class Sleepy:
    """Answers after so many calls of a clock that the test winds."""

    def __init__(self, clock: list[float], per_call: float, per_chip: float) -> None:
        self.clock, self.per_call, self.per_chip = clock, per_call, per_chip

    def __call__(self, dn, *_):
        self.clock[0] += self.per_call + self.per_chip * len(dn)
        return torch.ones(len(dn), 3)


def broken(dn, time, latlon):
    raise RuntimeError("no compiler\nhere")


def test_each_is_timed_at_its_best_batch_and_failures_cost_no_other(monkeypatch: pytest.MonkeyPatch):
    clock = [0.0]
    monkeypatch.setattr("model.bench.timing.time.perf_counter", lambda: clock[0])
    encoders = {
        "upstream fp32 eager": Sleepy(clock, 0.0, 4.0),
        "upstream bf16 autocast": Sleepy(clock, 4.0, 1.0),
        "broken": broken,
    }
    timed = [Timed(candidate=Candidate(name=name, vectors=vectors, load_s=0.5)) for name, vectors in encoders.items()]
    run(timed, realistic_chips(4), [1, 4], 3, "cpu")
    made = rows(timed)
    first, second = made[0].speed, made[1].speed
    assert (first.s_per_chip, second.s_per_chip) == (4.0, 2.0)
    assert (first.batch, second.batch) == (1, 4)
    assert (second.over_fp32_eager, first.over_bf16_autocast) == (2.0, 0.5)
    assert (made[2].speed, made[2].failed) == (None, "RuntimeError: no compiler")
    assert made[2].document["failed"] == "RuntimeError: no compiler"
    assert len(second.rounds_s) == 3


def paths(precision: str) -> list[str]:
    """Those that are timed on this machine."""
    form = contents("cpu", [precision])[precision]
    return [execution.name for execution in executions(precision, form, "cpu", torch.__version__)]


@needs_upstream
def test_bench_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "named_config", lambda _: MICRO)
    monkeypatch.setattr(running, "named_arch", lambda _: "cpu")
    monkeypatch.setattr(running, "device_for", lambda _: "cpu")
    monkeypatch.setattr(running, "matmul_rate", lambda _: 1e12)
    text = bench(Bench(size="micro", rounds=1, chips=1, batches=[1], out=tmp_path))
    assert (tmp_path / "bench-encoder.md").read_text() == text + "\n"
    found = json.loads((tmp_path / "bench-encoder.json").read_text())
    by_path = {row["path"]: row for row in found["rows"]}
    ours = [f"lean {precision} {path}" for precision in ("fp32", "bf16") for path in paths(precision)]
    assert list(by_path)[:2] == ["upstream fp32 eager", "upstream bf16 autocast"]
    assert sorted(list(by_path)[2:]) == sorted(ours)
    assert by_path["upstream fp32 eager"]["over_fp32_eager"] == 1.0
    assert by_path["lean fp32 pt2"]["max_error"] <= 1e-5
    for path in paths("bf16"):
        assert by_path[f"lean bf16 {path}"]["one_minus_cosine"] <= 1e-4
    assert all(line.count("|") == 10 for line in text.splitlines() if line.startswith("|"))


@needs_upstream
def test_parity_table(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(table, "named_config", lambda _: MICRO)
    monkeypatch.setattr(table, "named_arch", lambda _: "cpu")
    monkeypatch.setattr(table, "device_for", lambda _: "cpu")
    lines = table.parity_table(["micro"], 1, compiled=False).splitlines()[2:]
    wanted = [(precision, path) for precision in ("fp32", "bf16") for path in paths(precision)]
    found = [tuple(cell.strip() for cell in line.split("|")[2:4]) for line in lines]
    assert sorted(found) == sorted([*wanted, ("fp16", "eager")])
    assert all(float(line.split("|")[4].split(",")[1]) <= 1e-4 for line in lines)
