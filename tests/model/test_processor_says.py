"""What `python -m model.processor` tells `make doctor`, without torch and with it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from model import processor

ROOT = Path(__file__).parents[2]


def say(*options, **variables):
    done = subprocess.run(
        [sys.executable, *options, "-m", "model.processor"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["neon", "neon_bf16", "avx2"])
def test_a_kind_that_is_expected_to_be_plain(kind):
    try:
        processor._pretended(processor._real()[1], kind)
    except processor.ProcessorError as error:
        pytest.skip(str(error))
    # -S: no site-packages, so no torch.
    bare = say("-S", CLAYLAKE_CPU=kind, PYTHONPATH="")
    assert "onednn" not in bare
    assert bare["kind"] == kind
    assert bare["form"] == "plain"
    assert bare["precision"] == ("bf16" if kind == "neon_bf16" else "fp32")


def test_what_was_tried_decides():
    tried = say()
    assert set(tried["onednn"]) == {"fp32", "bf16"}
    if tried["onednn"][tried["precision"]] != "works":
        assert tried["form"] == "plain"
