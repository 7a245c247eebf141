import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from model.__main__ import main
from model.architecture import Encoder
from model.conventions import time_and_place
from model.errors import ParityError, UnknownNameError
from model.export import build, check_program
from model.program import SensorProgram
from model.reference import make_reference, reference_chips
from model.sensor import SENTINEL_2
from model.weights import weights_digest

Program = Callable[..., torch.Tensor]


@pytest.fixture(scope="module")
def program(folder: Path) -> Program:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given buffer is not writable")
        return torch.export.load(folder / "encoder.pt2").module()


def test_description_says_what_was_built(folder: Path):
    described = json.loads((folder / "model.json").read_text())
    assert described["format"] == 1
    assert described["model_version"] == "demo-random+" + described["weights_digest"][:12]
    assert described["torch"] == torch.__version__
    assert described["bands"] == list(SENTINEL_2.names)
    assert described["input"] == "dn"
    assert described["dim"] == 1024
    assert described["precisions"] == ["fp32"]
    assert described["conventions"] == ["tutorial", "training", "blank"]
    assert described["default_convention"] == "tutorial"
    assert "no meaning" in described["note"]
    assert set(described["sha256"]) == {"encoder.pt2", "weights.pt", "reference.npz"}
    for name, digest in described["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_weights_load_without_pickled_code(folder: Path, encoder: Encoder):
    state = torch.load(folder / "weights.pt", weights_only=True)
    assert weights_digest(state) == json.loads((folder / "model.json").read_text())["weights_digest"]
    encoder.load_state_dict(state, strict=True)


def test_reference_reads_without_pickle(folder: Path):
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        assert reference["chips"].shape == (3, 10, 256, 256)
        assert reference["chips"].dtype == np.uint16
        assert reference["vectors"].shape == (3, 3, 1024)
        assert np.isfinite(reference["vectors"]).all()
        tutorial, training, blank = reference["vectors"]
    assert min(np.abs(tutorial - training).max(), np.abs(tutorial - blank).max()) > 0.01


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_program_takes_any_batch_and_normalises_within(program: Program, encoder: Encoder, batch: int):
    dn = torch.randint(0, 12_000, (batch, 10, 256, 256), generator=torch.Generator().manual_seed(batch)).float()
    time, latlon = time_and_place("tutorial", [(12.0, -5.0)] * batch, [datetime(2024, 2, 29, 10, tzinfo=UTC)] * batch)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (SENTINEL_2.means, SENTINEL_2.stds))
    expected = encoder((dn - mean) / std, time, latlon, torch.tensor(SENTINEL_2.wavelengths_um), torch.tensor(10.0))
    got = program(dn, time, latlon)
    assert got.shape == (batch, 1024)
    assert torch.allclose(got, expected, atol=1e-5)


def test_program_carries_neither_examples_nor_unused_weights(folder: Path):
    assert (folder / "encoder.pt2").stat().st_size < 5_000_000


def test_program_that_differs_is_refused(folder: Path, encoder: Encoder):
    reference = make_reference(encoder, SENTINEL_2)
    check_program(folder / "encoder.pt2", reference)
    with pytest.raises(ParityError, match=r"encoder.pt2 differs .* by 0\.001"):
        check_program(folder / "encoder.pt2", replace(reference, vectors=reference.vectors + np.float32(1e-3)))


def test_folding_shares_weights(encoder: Encoder):
    program = SensorProgram(encoder, SENTINEL_2)
    assert program.transformer is encoder.transformer
    assert not [name for name in program.state_dict() if "patch_embedding" in name]


def test_reference_chips_hold_nodata_and_extremes():
    slopes, cornered, extremes = reference_chips(10)
    assert slopes.min() > 0
    assert (cornered == 0).all(axis=0).any()
    assert set(np.unique(extremes)) == {1, 65535}


def test_unknown_model_names_those_that_exist(tmp_path: Path):
    with pytest.raises(UnknownNameError, match=r"'clay'.*demo-random"):
        build("clay", tmp_path)


def test_command_line_refuses_what_it_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["build", "--name", "clay", "--out", str(tmp_path)])
    assert "demo-random" in capsys.readouterr().err
