"""What `model.json` says: written, read again, and refused by name where it is not of this format."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from claylake import release
from model.format import DESCRIPTION, Description, FormatError, Measured, Offer, Source, read_description

STORED = Path(__file__).parent / "stored/demo-random"
"""The description of an artefact as version 0.1.0 built it."""
MEASURED = Measured(max_error=1e-6, min_cosine=1.0, form="onednn", device="cpu", processor="it (avx2)")
OFFER = Offer(program="encoder-fp32.pt2", form="onednn", max_error=1e-4, min_cosine=0.99999, measured=MEASURED)
WHOLE = Description(
    name="micro",
    model_version="micro+0123456789ab",
    weights_digest="0123456789ab" + 52 * "0",
    arch="cpu",
    architecture={"dim": 64, "mlp_ratio": 2.5},
    torch="2.10.0",
    sensor="sentinel-2-l2a",
    bands=("blue", "green"),
    means=(1105.0, 1355.0),
    stds=(1809.0, 1757.0),
    wavelengths_um=(0.493, 0.56),
    gsd_m=10.0,
    chip_px=256,
    max_batch=512,
    dim=1024,
    conventions=("tutorial", "blank"),
    default_convention="tutorial",
    precisions={"fp32": OFFER, "bf16": replace(OFFER, program="encoder-bf16.pt2", max_error=None)},
    sha256={"reference.npz": 64 * "a"},
    source=Source(checkpoint="clay.ckpt", revision=None, sha256=64 * "b", pin="user"),
    note="random weights",
)


def write(folder: Path, **changes: object) -> None:
    (folder / "model.json").write_text(json.dumps(json.loads(json.dumps(asdict(WHOLE))) | changes))


def test_what_is_written_is_read_again(tmp_path: Path):
    WHOLE.save(tmp_path)
    assert read_description(tmp_path) == WHOLE
    seeded = replace(WHOLE, source=Source(seed=7))
    seeded.save(tmp_path)
    assert read_description(tmp_path) == seeded
    unmeasured = replace(WHOLE, precisions={"fp32": replace(OFFER, measured=None)})
    unmeasured.save(tmp_path)
    assert read_description(tmp_path) == unmeasured


def test_a_stored_description_is_read_and_written_as_it_was(tmp_path: Path):
    stored = read_description(STORED)
    assert (stored.name, stored.model_version) == ("demo-random", "demo-random+cf38dd7b5c0e")
    assert stored.conventions == ("tutorial", "training", "blank")
    assert set(stored.precisions) == {"fp32", "bf16"}
    assert stored.precisions["bf16"].max_error is None
    assert stored.precisions["fp32"].measured == Measured(
        max_error=1.3709068298339844e-06,
        min_cosine=0.9999999999996333,
        form="onednn",
        device="cpu",
        processor="AMD EPYC (avx512_bf16)",
    )
    stored.save(tmp_path)
    assert (tmp_path / DESCRIPTION).read_text() == (STORED / DESCRIPTION).read_text()


def test_fields_stand_in_the_file_in_their_order(tmp_path: Path):
    WHOLE.save(tmp_path)
    written = json.loads((tmp_path / "model.json").read_text())
    assert list(written) == [field.name for field in fields(Description)]
    assert list(written["precisions"]["fp32"]) == ["program", "form", "max_error", "min_cosine", "measured"]
    assert (written["format"], written["input"]) == (2, "dn")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 3}, r"model\.json is of format 3; this reader knows 2"),
        ({"input": "reflectance"}, "says input 'reflectance'; only 'dn'"),
        ({"means": None}, "missing or damaged"),
        ({"architecture": 3}, "missing or damaged"),
        ({"source": None}, "missing or damaged"),
        ({"precisions": {"fp32": {"program": "x", "max_error": None}}}, "missing or damaged entry .'min_cosine'"),
        ({"sha256": {"../weights": "0"}}, "folder itself"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, changes: dict[str, object], says: str):
    write(tmp_path, **changes)
    with pytest.raises(FormatError, match=says):
        read_description(tmp_path)


@pytest.mark.parametrize("name", [field.name for field in fields(Description)])
def test_every_field_is_required(tmp_path: Path, name: str):
    document = json.loads(json.dumps(asdict(WHOLE)))
    del document[name]
    (tmp_path / "model.json").write_text(json.dumps(document))
    with pytest.raises(FormatError, match="format None" if name == "format" else f"missing or damaged entry .'{name}'"):
        read_description(tmp_path)


@pytest.mark.parametrize(("text", "says"), [("{", "is not JSON"), ("[]", "format None"), ("\xe9", "cannot be read")])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, says: str):
    (tmp_path / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(FormatError, match=says):
        read_description(tmp_path)


def test_a_folder_without_a_description_is_refused(tmp_path: Path):
    with pytest.raises(FormatError, match="is missing: not a model folder, or one whose build did not end"):
        read_description(tmp_path)


@pytest.mark.parametrize(("arch", "form"), [("cpu", "onednn"), ("cuda", "plain")])
def test_descriptions_of_older_builds_do_not_say_the_form(tmp_path: Path, arch: str, form: str):
    older = {"program": "x.pt2", "max_error": None, "min_cosine": 0.9, "measured": {"max_error": 0, "device": "cpu"}}
    write(tmp_path, arch=arch, precisions={"fp32": older})
    expected = Offer(program="x.pt2", form=form, max_error=None, min_cosine=0.9, measured=None)
    assert read_description(tmp_path).precisions == {"fp32": expected}


def test_the_domain_names_the_same_file_and_fields():
    """MWAA has no package `model`, so `claylake.release` repeats what it reads."""
    assert release.MODEL_DESCRIPTION == DESCRIPTION
    assert {"model_version", "conventions", "precisions"} <= {field.name for field in fields(Description)}
