"""The ways to run an encoder, for every kind of processor on any machine."""

import logging

import pytest
import torch

from model import execution as module
from model.execution import PLAIN, Execution, executions
from model.lean import FORMS
from model.processor import KINDS, Processor

PROGRAM = {form: Execution(kind="pt2", form=form) for form in FORMS}
MODULE = Execution(kind="eager", form="onednn")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    def be(kind: str, refusal: str | None) -> None:
        monkeypatch.setattr(module, "this_processor", lambda: Processor("it", kind))
        monkeypatch.setattr(module, "onednn_refusal", lambda _: refusal)

    return be


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_way_and_expects_the_one_that_was_fastest_there(machine, kind: str, caplog):
    plain_first = kind in {"x86", "avx2", "neon", "neon_bf16", "apple"}
    machine(kind, None)
    assert executions("fp32", "onednn", "cpu", torch.__version__) == (
        (PLAIN, PROGRAM["onednn"]) if plain_first else (PROGRAM["onednn"], PLAIN)
    )
    found = executions("fp32", "plain", "cpu", torch.__version__)
    assert set(found) == {PROGRAM["plain"], MODULE, PLAIN}
    assert (found[-1] == MODULE) == plain_first
    assert not caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_machine_cannot_run_is_passed_over_with_one_line(machine, kind: str, caplog):
    machine(kind, "no such products")
    with caplog.at_level(logging.INFO):
        assert executions("bf16", "onednn", "cpu", torch.__version__) == (PLAIN,)
    assert [record.getMessage() for record in caplog.records] == [
        "the bf16 program is passed over, the module with the same weights runs: no such products"
    ]
    assert executions("bf16", "plain", "cpu", torch.__version__) == (PROGRAM["plain"], PLAIN)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_gpus_run_ordinary_operators_alone(machine, device: str):
    machine("amx", None)
    assert executions("bf16", "plain", device, torch.__version__) == (PROGRAM["plain"], PLAIN)
    assert executions("bf16", "onednn", device, torch.__version__) == (PLAIN,)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_programs_of_another_torch_are_passed_over(machine, device: str, caplog):
    machine("avx512", None if device == "cpu" else "no CPU")
    release, _, _ = torch.__version__.partition("+")
    assert "pt2" in {execution.kind for execution in executions("fp32", "plain", device, f"{release}+other")}
    assert not caplog.text
    found = executions("fp32", "plain", device, "2.4.0")
    assert found == ((MODULE, PLAIN) if device == "cpu" else (PLAIN,))
    assert "it was exported by torch 2.4.0, this is" in caplog.text


def test_names_are_those_of_reports():
    assert [execution.name for execution in (*PROGRAM.values(), MODULE, PLAIN)] == [
        "pt2",
        "pt2",
        "eager+onednn",
        "eager",
    ]
