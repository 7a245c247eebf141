"""Artefacts travel: for real, as far as libraries can be made to do without what this processor has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model import processor
from model.processor import ARM, X86, ProcessorError, this_processor
from tests.spark.encoding.loading import WHEN, chips, load, places

ROOT = Path(__file__).resolve().parents[3]


def possible(kind: str) -> bool:
    own = this_processor().kind
    return kind != own and (kind in ARM or (own in X86 and X86.index(kind) < X86.index(own)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["avx2", "x86", "avx512", pytest.param("neon", marks=pytest.mark.beside)])
def test_build_check_and_embed_on_a_lesser_processor(artefact: Path, tmp_path: Path, kind: str):
    if not possible(kind):
        pytest.skip(f"{this_processor()} has no more than {kind} itself: every other test runs on it")
    out = tmp_path / "out"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.spark.encoding.pretending",
            str(out),
            str(artefact),
            str(tmp_path / "vectors.npz"),
        ],
        cwd=ROOT,
        env={**os.environ, "CLAYLAKE_CPU": kind, "PYTHONPATH": f"{ROOT}/dags:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert outcome["kind"] == kind
    assert outcome["codes"] == [0, 0, 0]
    default, named = (json.loads((out / name / "demo-random/model.json").read_text()) for name in ("default", "named"))
    assert list(default["precisions"]) == ["fp32"]
    assert list(named["precisions"]) == ["fp32", "bf16"]
    tried = "onednn" if kind == "avx512" else "plain"  # slow there, but not refused
    assert named["precisions"]["bf16"]["measured"]["form"] == tried
    assert named["precisions"]["bf16"]["form"] == ("plain" if kind in ARM else "onednn")

    # What was built here runs there: fp32 by default, and bf16 by the module where that is requested.
    assert (outcome["own"]["precision"], outcome["foreign"]["precision"]) == ("fp32", "fp32")
    assert outcome["foreign_bf16"]["precision"] == "bf16"
    assert kind == "avx512" or outcome["foreign_bf16"]["path"] == "eager"
    with np.load(tmp_path / "vectors.npz") as there:
        mine = load(artefact).encode(chips(4), places(4), [WHEN] * 4).vectors
        for name in ("own", "foreign", "foreign_fp32"):
            np.testing.assert_allclose(there[name], mine, atol=1e-5)
        assert cosine(there["foreign_bf16"], mine) > 0.9999

    # And what was built there runs here, with all that this processor can.
    back = load(out / "named/demo-random", precision="auto")
    assert back.precision == ("bf16" if this_processor().fast_bf16 else "fp32")
    assert cosine(back.encode(chips(4), places(4), [WHEN] * 4).vectors, mine) > 0.9999


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(((one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)).min())


def test_more_than_there_is_cannot_be_pretended(monkeypatch: pytest.MonkeyPatch):
    if processor._real()[1] == X86[-1]:
        pytest.skip(f"{this_processor()} has all there is")
    monkeypatch.setenv("CLAYLAKE_CPU", X86[-1])
    with pytest.raises(ProcessorError, match="can pretend to be"):
        this_processor()
