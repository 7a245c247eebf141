"""The artefact's folder: what is missing, altered or foreign is refused by name."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from spark.encoding.artefact import read_artefact
from spark.encoding.errors import ArtefactError
from spark.encoding.pickles import refuse_pickles
from tests.spark.encoding.loading import load, redescribe

PROGRAM = "encoder-fp32.pt2"


@pytest.fixture
def copy(artefact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(artefact, tmp_path / "copy"))


@pytest.mark.parametrize("name", [PROGRAM, "reference.npz"])
def test_altered_file_is_refused(copy: Path, name: str):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ArtefactError, match=f"{name} has sha256"):
        load(copy)


@pytest.mark.parametrize("name", [PROGRAM, "reference.npz", "model.json"])
def test_missing_file_is_named(copy: Path, name: str):
    (copy / name).unlink()
    with pytest.raises(ArtefactError, match=f"{name} is missing"):
        load(copy)


def test_only_what_is_needed_is_fetched(artefact: Path, tmp_path: Path):
    shutil.copy(artefact / "model.json", tmp_path)
    asked = []

    def fetch(name: str) -> None:
        asked.append(name)
        shutil.copy(artefact / name, tmp_path)

    load(tmp_path, fetch=fetch)
    assert asked == ["reference.npz", PROGRAM]
    load(tmp_path, fetch=fetch)
    assert len(asked) == 2


def test_what_is_fetched_is_checked(artefact: Path, tmp_path: Path):
    shutil.copy(artefact / "model.json", tmp_path)
    with pytest.raises(ArtefactError, match=r"reference\.npz has sha256"):
        load(tmp_path, fetch=lambda name: (tmp_path / name).write_bytes(b"other"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 1}, "format 1; this reader knows 2"),
        ({"input": "reflectance"}, "only 'dn'"),
        ({"dim": "many"}, "missing or damaged"),
        ({"bands": None}, "missing or damaged"),
        ({"precisions": ["fp32"]}, "missing or damaged"),
        ({"precisions": {"fp32": {"program": "x", "max_error": None}}}, "missing or damaged entry .'min_cosine'"),
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


def test_program_that_is_not_listed_is_not_run(copy: Path):
    described = json.loads((copy / "model.json").read_text())
    del described["sha256"][PROGRAM]
    (copy / "model.json").write_text(json.dumps(described))
    with pytest.raises(ArtefactError, match=f"no sha256 of {PROGRAM}"):
        load(copy)


def test_program_with_a_pickle_is_refused(artefact: Path, tmp_path: Path):
    refuse_pickles(artefact / PROGRAM)
    with_example, with_marked = tmp_path / "example.pt2", tmp_path / "marked.pt2"
    for path, name, content in (
        (with_example, "encoder/data/sample_inputs/model.pt", b"\x80\x04."),
        (with_marked, "encoder/data/weights/model_weights_config.json", b'{"config": {"w": {"use_pickle": true}}}'),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, content)
        with pytest.raises(ArtefactError, match="pickle"):
            refuse_pickles(path)
    (tmp_path / "none.pt2").write_bytes(b"no archive")
    with pytest.raises(ArtefactError, match="not an exported program"):
        refuse_pickles(tmp_path / "none.pt2")
