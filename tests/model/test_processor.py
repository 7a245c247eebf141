"""What is known of processors: of all kinds on any machine, and of this one for real."""

import doctest
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model import processor
from model.processor import (
    ARM,
    KINDS,
    X86,
    Processor,
    ProcessorError,
    kind_of,
    onednn_missing,
    onednn_refusal,
    this_processor,
)

ROOT = Path(__file__).resolve().parents[2]

CORE2 = "fpu sse sse2 ssse3 sse4_1"
HASWELL = f"{CORE2} avx f16c fma avx2 bmi1 bmi2"
ZEN3 = f"{HASWELL} sha_ni vaes vpclmulqdq"
SKYLAKE_X = f"{HASWELL} avx512f avx512dq avx512cd avx512bw avx512vl"
KNIGHTS = f"{HASWELL} avx512f avx512cd avx512er avx512pf"
ZEN4 = f"{SKYLAKE_X} avx512_bf16 avx512_vnni"
SAPPHIRE = f"{ZEN4} avx512_fp16 amx_bf16 amx_tile amx_int8"
ODD = f"{SKYLAKE_X} amx_bf16 amx_tile"


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (CORE2, "x86"),
        (HASWELL, "avx2"),
        (ZEN3, "avx2"),
        (KNIGHTS, "avx2"),
        (SKYLAKE_X, "avx512"),
        (ODD, "avx512"),
        (ZEN4, "avx512_bf16"),
        (SAPPHIRE, "amx"),
    ],
)
def test_x86_processors_by_their_flags(flags: str, kind: str):
    assert kind_of("x86_64", flags.split()) == kind


@pytest.mark.parametrize(
    ("machine", "flags", "apple", "kind"),
    [
        ("aarch64", "fp asimd crc32", False, "neon"),  # Graviton 2
        ("aarch64", "fp asimd i8mm bf16 sve", False, "neon_bf16"),  # Graviton 3
        ("arm64", "", True, "apple"),
    ],
)
def test_arm_processors(machine: str, flags: str, apple: bool, kind: str):
    assert kind_of(machine, flags.split(), apple=apple) == kind


def test_kinds_are_distinguished_in_two_families():
    assert set(KINDS) == {*X86, *ARM}
    assert {kind for kind in KINDS if Processor("", kind).fast_bf16} == {"avx512_bf16", "amx", "neon_bf16"}
    assert str(Processor("Xeon", "avx2", pretended=True)) == "Xeon (avx2, pretended)"


def test_linux_and_macos_say_what_they_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: A Xeon\nflags\t\t: avx2 fma\n\nprocessor\t: 1\nmodel name\t: B\n")
    assert processor._cpuinfo(path) == {"processor": "0", "model name": "A Xeon", "flags": "avx2 fma"}
    assert processor._cpuinfo(tmp_path / "none") == {}
    brand = {"machdep.cpu.brand_string": "Apple M2"}
    monkeypatch.setattr(processor.sys, "platform", "darwin")
    monkeypatch.setattr(processor.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(processor, "_sysctl", lambda name: brand.get(name, ""))
    assert processor._real.__wrapped__() == ("Apple M2", "apple")


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch):
    """Let this machine be of a kind, and somebody set variables."""

    def pretend(real: str, **variables: str) -> Processor:
        monkeypatch.setattr(processor, "_real", lambda: ("it", real))
        for name in ("CLAYLAKE_CPU", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS"):
            monkeypatch.setenv(name, variables.get(name, ""))
        return this_processor()

    return pretend


@pytest.mark.parametrize("real", X86)
@pytest.mark.parametrize("asked", KINDS)
def test_a_processor_pretends_what_has_no_more_than_itself(pretended, real: str, asked: str):
    if asked in X86 and X86.index(asked) > X86.index(real):
        with pytest.raises(
            ProcessorError, match=f"CLAYLAKE_CPU is '{asked}'; .* of kind '{real}', and can pretend to be x86"
        ):
            pretended(real, CLAYLAKE_CPU=asked)
        return
    found = pretended(real, CLAYLAKE_CPU=asked)
    assert (found.kind, found.pretended) == (asked, asked != real)
    limit = processor.os.environ["ONEDNN_MAX_CPU_ISA"]
    assert bool(limit) == (asked != real and asked in X86)
    assert not limit or processor._CAPS[limit] == asked


@pytest.mark.parametrize("real", ARM)
def test_arm_pretends_arm(pretended, real: str):
    assert pretended(real, CLAYLAKE_CPU="neon").kind == "neon"
    with pytest.raises(ProcessorError, match="can pretend to be neon"):
        pretended(real, CLAYLAKE_CPU="avx2")


@pytest.mark.parametrize(
    ("real", "cap", "kind"),
    [
        ("amx", "AVX2", "avx2"),
        ("amx", "avx512_core_bf16", "avx512_bf16"),
        ("amx", "ALL", "amx"),
        ("avx2", "AVX512_CORE", "avx2"),
        ("neon", "AVX2", "neon"),
    ],
)
def test_a_cap_that_somebody_set_for_onednn_counts(pretended, real: str, cap: str, kind: str):
    assert pretended(real, ONEDNN_MAX_CPU_ISA=cap).kind == kind


def test_the_lesser_of_what_is_pretended_and_a_cap_counts(pretended):
    assert pretended("amx", CLAYLAKE_CPU="avx512", ONEDNN_MAX_CPU_ISA="AVX2").kind == "avx2"
    assert processor.os.environ["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    assert pretended("amx", CLAYLAKE_CPU="amx", ONEDNN_MAX_CPU_ISA="AVX2").kind == "avx2"
    assert pretended("amx", CLAYLAKE_CPU="avx2", ONEDNN_MAX_CPU_ISA="AVX512_CORE").kind == "avx2"


def test_unknown_names_are_refused(pretended):
    with pytest.raises(
        ProcessorError, match=r"CLAYLAKE_CPU is 'abacus'.*can pretend to be x86, avx2, neon, neon_bf16, apple"
    ):
        pretended("avx2", CLAYLAKE_CPU="abacus")


def test_where_torch_is_fast_in_bf16_onednn_works_here():
    """The real thing: a processor that is said to be fast in bf16 is not passed over."""
    if this_processor().kind not in X86:
        pytest.skip(f"{this_processor()} is no x86-64; whether its torch has oneDNN's products is not known beforehand")
    assert onednn_refusal("fp32") is None
    if this_processor().fast_bf16:
        assert onednn_refusal("bf16") is None


class Ops:
    """In place of torch's own table of operators."""

    def __init__(self, **operators: object) -> None:
        self.mkldnn = type("mkldnn", (), {name: staticmethod(made) for name, made in operators.items()})


def wrong(given, weight, bias, *_):
    return given @ weight.T + 2 * bias


def refusing(*_):
    raise RuntimeError("needs AVX-512\nC++ frames")


@pytest.mark.parametrize(
    ("operators", "missing", "refusal"),
    [
        ({}, "lacks oneDNN's products \\(_linear_pointwise, _reorder_linear_weight\\)", "lacks oneDNN's products"),
        (
            {"_linear_pointwise": wrong, "_reorder_linear_weight": lambda weight: weight},
            None,
            "fp32 products are wrong",
        ),
        (
            {"_linear_pointwise": refusing, "_reorder_linear_weight": refusing},
            None,
            "cannot be used .*: needs AVX-512$",
        ),
    ],
)
def test_products_are_tried_before_they_are_used(monkeypatch, operators, missing, refusal):
    monkeypatch.setattr(processor, "this_processor", lambda: Processor("it", "avx2"))
    monkeypatch.setattr(torch, "ops", Ops(**operators))
    found = onednn_missing()
    assert found is None if missing is None else re.search(missing, found)
    assert re.search(refusal, onednn_refusal.__wrapped__("fp32"))


@pytest.mark.parametrize("kind", ARM)
def test_pretended_arm_has_no_onednn_products(monkeypatch, kind: str):
    monkeypatch.setattr(processor, "this_processor", lambda: Processor("it", kind, pretended=True))
    assert "to do without" in onednn_missing()
    assert onednn_refusal.__wrapped__("fp32") == onednn_missing()


def test_it_runs_alone_with_nothing_installed():
    """`make doctor` runs this with the machine's own python3 before there is any environment."""
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import runpy; runpy.run_path('model/processor.py', run_name='__main__')",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert found["kind"] in KINDS
    assert found["precision"] == ("bf16" if found["fast_bf16"] else "fp32")
    assert "onednn" not in found


def test_the_example_is_true():
    (example,) = [each for each in doctest.DocTestFinder().find(processor) if each.examples]
    runner = doctest.DocTestRunner()
    runner.run(example)
    assert (runner.failures, runner.tries) == (0, 5)
