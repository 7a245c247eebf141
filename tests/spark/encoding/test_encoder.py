import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from model.export import build
from spark.encoder import Encoder, EncoderError, load_encoder
from spark.encoding.artefact import Artefact, read_artefact
from spark.encoding.errors import (
    ArtefactError,
    ChoiceError,
    InputError,
    MemoryShortError,
    SelfCheckError,
    TorchVersionError,
)
from spark.encoding.pickles import refuse_pickles
from spark.encoding.runner import ProgramEncoder

WHEN = datetime(2024, 6, 1, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("demo-random", tmp_path_factory.mktemp("artefact"))


@pytest.fixture(scope="module")
def encoder(built: Path) -> Encoder:
    return load_encoder(built, convention="tutorial", device="cpu")


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A copy to spoil, without the weights, which nothing here needs."""
    return Path(shutil.copytree(built, tmp_path / "copy", ignore=shutil.ignore_patterns("weights.pt")))


def redescribe(folder: Path, **changes: object) -> None:
    """Change the description, and make its digests true again."""
    path = folder / "model.json"
    described = json.loads(path.read_text()) | changes
    for name in ("encoder.pt2", "reference.npz"):
        described["sha256"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(described))


def chips(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(1, 9000, (count, 10, 256, 256), dtype=np.uint16)


def places(count: int) -> np.ndarray:
    return np.column_stack((np.linspace(-170, 170, count), np.linspace(-55, 80, count)))


def test_loads_and_encodes(encoder: Encoder):
    assert encoder.model_version == "demo-random+cf38dd7b5c0e"
    assert (encoder.convention, encoder.precision) == ("tutorial", "fp32")
    result = encoder.encode(chips(3), places(3), [WHEN] * 3)
    assert result.vectors.shape == (3, 1024)
    assert result.vectors.dtype == np.float32
    assert result.ok.all()
    assert result.poisoned == ()


def test_every_convention_passes_its_own_reference_and_gives_other_vectors(built: Path, encoder: Encoder):
    given = chips(1), places(1), [WHEN]
    vectors = [encoder.encode(*given).vectors]
    vectors += [
        load_encoder(built, convention=name, device="cpu").encode(*given).vectors for name in ("training", "blank")
    ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(vectors[one] - vectors[other]).max() > 1e-3


def test_vector_depends_on_pixels_place_and_time_but_not_on_company(encoder: Encoder):
    given, where = chips(7), places(7)
    together = encoder.encode(given, where, [WHEN] * 7).vectors
    alone = encoder.encode(given[4:5], where[4:5], [WHEN]).vectors
    np.testing.assert_allclose(alone[0], together[4], atol=1e-5)
    for change in (
        (given[5:6], where[4:5], [WHEN]),
        (given[4:5], where[5:6], [WHEN]),
        (given[4:5], where[4:5], [WHEN.replace(month=12)]),
    ):
        assert np.abs(encoder.encode(*change).vectors - alone).max() > 1e-3


def test_nodata_and_no_chips_are_ordinary(encoder: Encoder):
    blank = encoder.encode(np.zeros((1, 10, 256, 256), dtype=np.uint16), places(1), [WHEN])
    assert blank.ok.all()
    assert np.abs(blank.vectors).max() > 0
    assert encoder.encode(chips(0), np.empty((0, 2)), []).vectors.shape == (0, 1024)


def test_read_only_chips_are_taken(encoder: Encoder):
    given = chips(1)
    given.flags.writeable = False
    assert encoder.encode(given, places(1), np.array(["2024-06-01T11:20"], dtype="datetime64[s]")).ok.all()


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((1, 10, 256, 256), dtype=np.float32),
        np.zeros((1, 10, 256, 256), dtype=np.int16),
        np.zeros((1, 9, 256, 256), dtype=np.uint16),
        np.zeros((1, 10, 128, 256), dtype=np.uint16),
        np.zeros((10, 256, 256), dtype=np.uint16),
    ],
)
def test_chips_of_another_shape_or_type_are_refused(encoder: Encoder, bad: np.ndarray):
    with pytest.raises(InputError, match=r"must be uint16 \(n, 10, 256, 256\)"):
        encoder.encode(bad, places(1), [WHEN])


def test_counts_must_agree(encoder: Encoder):
    with pytest.raises(InputError, match="2 chips but 1 places"):
        encoder.encode(chips(2), places(1), [WHEN])


# The folder


@pytest.mark.parametrize("name", ["encoder.pt2", "reference.npz"])
def test_altered_file_is_refused(copy: Path, name: str):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ArtefactError, match=f"{name} has sha256"):
        load_encoder(copy, convention="tutorial")


@pytest.mark.parametrize("name", ["encoder.pt2", "reference.npz", "model.json"])
def test_missing_file_is_named(copy: Path, name: str):
    (copy / name).unlink()
    with pytest.raises(ArtefactError, match=f"{name} is missing"):
        load_encoder(copy, convention="tutorial")


def test_weights_may_be_left_behind_but_not_altered(built: Path, copy: Path):
    read_artefact(copy)
    (copy / "weights.pt").write_bytes(b"other")
    with pytest.raises(ArtefactError, match=r"weights.pt has sha256"):
        read_artefact(copy)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 2}, "format 2; this reader knows 1"),
        ({"input": "reflectance"}, "only 'dn'"),
        ({"dim": "many"}, "lacks or mangles"),
        ({"bands": None}, "lacks or mangles"),
    ],
)
def test_description_of_another_kind_is_refused(copy: Path, changes: dict[str, object], says: str):
    redescribe(copy, **changes)
    with pytest.raises(ArtefactError, match=says):
        read_artefact(copy)


@pytest.mark.parametrize("listed", ["../model.json", "sub/file"])
def test_description_may_list_files_of_its_folder_only(copy: Path, listed: str):
    described = json.loads((copy / "model.json").read_text())
    described["sha256"][listed] = "0"
    (copy / "model.json").write_text(json.dumps(described))
    with pytest.raises(ArtefactError, match="folder itself"):
        read_artefact(copy)


def test_choices_not_built_for_name_those_that_are(built: Path):
    with pytest.raises(ChoiceError, match=r"'noon'.*tutorial, training, blank"):
        load_encoder(built, convention="noon")
    with pytest.raises(ChoiceError, match=r"'bf16'.*fp32"):
        load_encoder(built, convention="tutorial", precision="bf16")


def test_device_that_is_absent_is_named(built: Path):
    with pytest.raises(EncoderError, match="'tpu'"):
        load_encoder(built, convention="tutorial", device="tpu")


def test_other_torch_is_refused_naming_both(copy: Path):
    redescribe(copy, torch="2.4.0+cu121")
    with pytest.raises(TorchVersionError, match=rf"2\.4\.0\+cu121.*{torch.__version__.split('+')[0]}") as caught:
        load_encoder(copy, convention="tutorial")
    assert (caught.value.exported, caught.value.running) == ("2.4.0+cu121", torch.__version__)


def test_other_build_of_the_same_torch_is_taken(copy: Path):
    redescribe(copy, torch=torch.__version__.split("+")[0] + "+other")
    load_encoder(copy, convention="blank", device="cpu")


@pytest.mark.parametrize("spoilt", [1e-3, np.nan])
def test_self_check_refuses_an_encoder_that_gives_other_vectors(copy: Path, spoilt: float):
    with np.load(copy / "reference.npz") as reference:
        arrays = dict(reference)
    arrays["vectors"][0, 1, 7] += spoilt
    np.savez_compressed(copy / "reference.npz", **arrays)
    redescribe(copy)
    with pytest.raises(SelfCheckError, match="nothing was embedded"):
        load_encoder(copy, convention="tutorial", device="cpu")


def test_self_check_needs_vectors_of_the_convention(copy: Path):
    redescribe(copy, conventions=["tutorial", "midnight"])
    with pytest.raises(EncoderError, match="midnight"):
        load_encoder(copy, convention="midnight", device="cpu")


def test_program_with_a_pickle_is_refused(built: Path, tmp_path: Path):
    refuse_pickles(built / "encoder.pt2")
    with_example, with_marked = tmp_path / "example.pt2", tmp_path / "marked.pt2"
    for path, name, content in (
        (with_example, "encoder/data/sample_inputs/model.pt", b"\x80\x04."),
        (with_marked, "encoder/data/weights/model_weights_config.json", b'{"config": {"w": {"use_pickle": true}}}'),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, content)
        with pytest.raises(ArtefactError, match="pickle"):
            refuse_pickles(path)
    (tmp_path / "none.pt2").write_bytes(io.BytesIO(b"no archive").read())
    with pytest.raises(ArtefactError, match="not an exported program"):
        refuse_pickles(tmp_path / "none.pt2")


def test_driver_needs_no_torch():
    code = "import sys; sys.modules['torch'] = None; import spark.encoder"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


# Memory and poison, with programs that behave as told


def told(program: Callable[..., torch.Tensor]) -> ProgramEncoder:
    artefact = Artefact(
        folder=Path(),
        model_version="told",
        torch=torch.__version__,
        bands=("a",),
        chip_px=2,
        dim=3,
        max_batch=6,
        precisions=("fp32",),
        conventions=("blank",),
    )
    return ProgramEncoder(program, artefact, convention="blank", precision="fp32", device="cpu")


def numbered(count: int) -> np.ndarray:
    return np.broadcast_to(np.arange(count, dtype=np.uint16)[:, None, None, None], (count, 1, 2, 2))


def repeat_first_pixel(dn: torch.Tensor, time: torch.Tensor, latlon: torch.Tensor) -> torch.Tensor:
    return dn[:, 0, 0, :1].repeat(1, 3)


def test_batch_is_bounded_by_the_artefact():
    sizes = []

    def program(dn: torch.Tensor, *metadata: torch.Tensor) -> torch.Tensor:
        sizes.append(len(dn))
        return repeat_first_pixel(dn, *metadata)

    vectors = told(program).encode(numbered(14), places(14), [WHEN] * 14).vectors
    assert sizes == [6, 6, 2]
    np.testing.assert_array_equal(vectors[:, 0], np.arange(14))


def test_short_memory_halves_the_batch_for_good():
    sizes = []

    def program(dn: torch.Tensor, *metadata: torch.Tensor) -> torch.Tensor:
        sizes.append(len(dn))
        if len(dn) > 2:
            raise torch.OutOfMemoryError
        return repeat_first_pixel(dn, *metadata)

    encoder = told(program)
    vectors = encoder.encode(numbered(5), places(5), [WHEN] * 5).vectors
    assert sizes == [5, 2, 2, 1]
    assert encoder.batch == 2
    np.testing.assert_array_equal(vectors[:, 2], np.arange(5))


def test_one_chip_that_does_not_fit_raises():
    def program(*_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError

    with pytest.raises(MemoryShortError, match="cpu"):
        told(program).encode(numbered(3), places(3), [WHEN] * 3)


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
def test_poison_is_marked_and_spoils_no_other(poison: float):
    def program(dn: torch.Tensor, *metadata: torch.Tensor) -> torch.Tensor:
        vectors = repeat_first_pixel(dn, *metadata)
        vectors[dn[:, 0, 0, 0] == 3, 1] = poison
        return vectors

    result = told(program).encode(numbered(5), places(5), [WHEN] * 5)
    assert result.poisoned == (3,)
    assert result.ok.tolist() == [True, True, True, False, True]
    assert np.isnan(result.vectors[3]).all()
    np.testing.assert_array_equal(result.vectors[[0, 1, 2, 4], 1], [0, 1, 2, 4])
