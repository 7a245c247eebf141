"""What a machine bears: tasks at once, memory of the JVM, workers that embed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import machine
from cli.machine import Machine


@pytest.mark.parametrize(
    ("cores", "memory_gb", "gpus", "slots", "driver_gb", "encoders"),
    [
        (2, 24, 0, 2, 4, 1),
        (4, 8, 0, 4, 1, 1),
        (16, 16, 0, 16, 2, 2),
        (32, 16, 0, 17, 2, 3),
        (64, 256, 0, 64, 6, 8),
        (16, 64, 1, 16, 6, 1),
        (64, 256, 4, 64, 6, 4),
        (1, 2, 0, 1, 1, 1),
    ],
)
def test_sizes(cores, memory_gb, gpus, slots, driver_gb, encoders):
    found = Machine(cores=cores, memory_gb=memory_gb, gpus=gpus)
    assert (found.slots, found.driver_gb, found.encoders) == (slots, driver_gb, encoders)


@given(st.integers(1, 512), st.floats(1, 4096), st.integers(0, 16))
def test_every_machine_has_work_and_none_is_given_more_than_it_has(cores, memory_gb, gpus):
    found = Machine(cores=cores, memory_gb=memory_gb, gpus=gpus)
    assert 1 <= found.encoders <= found.slots <= cores
    if found.slots > 1:
        assert found.driver_gb + found.slots * 0.75 <= memory_gb


def test_this_one():
    import torch

    here = Machine.here()
    assert here.cores >= 1
    assert here.memory_gb > 0.5
    assert here.gpus == (torch.cuda.device_count() if torch.cuda.is_available() else 0)


def test_torch_counts_gpus_where_there_is_a_driver(monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(machine, "DRIVERS", (tmp_path / "none", tmp_path))
    assert Machine.here().gpus == 2
    monkeypatch.setattr(machine, "DRIVERS", (tmp_path / "none",))
    assert Machine.here().gpus == 0
