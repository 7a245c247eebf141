"""What a person may type: each wrong thing ends with its own text and exit code, and leaves nothing behind."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from claylake.errors import SettingsError
from cli.app import app
from cli.overrides import parse

SQUARE = {
    "type": "Feature",
    "properties": {},
    "geometry": {"type": "Polygon", "coordinates": [[[11, 48], [11.1, 48], [11.1, 48.1], [11, 48.1], [11, 48]]]},
}


@pytest.fixture
def aoi(tmp_path):
    path = tmp_path / "field.geojson"
    path.write_text(json.dumps(SQUARE))
    return str(path)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(lake, *arguments):
    """What a command says that ends with exit code 2; it has made no lake."""
    done = run("run", "--lake", lake, *arguments)
    assert done.exit_code == 2, done.output
    assert not lake.exists()
    return " ".join(done.output.split())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--bbox", "1,2,3", "--month", "2024-07"), "give four numbers"),
        (("--bbox", "a,b,c,d", "--month", "2024-07"), "give four numbers, west,south,east,north"),
        (("--month", "2024-07"), "neither is given"),
        (("--aoi", "nowhere.geojson", "--month", "2024-07"), "no such file"),
        (("--bbox", "11,48,11.1,48.1", "--month", "July"), "July"),
        (("--bbox", "11,48,11.1,48.1"), "the months: none are given"),
        (("--bbox", "11,48,11.1,48.1", "--month", "2024-07", "cloud=3"), "section.key=value"),
        (("--bbox", "11,48,11.1,48.1", "--month", "2024-07", "selection.min_clear=0.5"), "did you mean min_clear_frac"),
        (("--bbox", "11,48,11.1,48.1", "--month", "2024-07", "selektion.min_clear_frac=0.5"), "did you mean selection"),
        (("--bbox", "11,48,11.1,48.1", "--month", "2024-07", "selection.min_clear_frac=2"), "command line: selection.min_clear_frac"),
        (("--bbox", "11,48,11.1,48.1", "--month", "2024-07", "cluster.spot=true"), "there is no cluster on this machine"),
        (("--bbox", "11,48,11.1,48.1", "--month", "2024-07", "maintenance.chips_keep_months=2"), "of the whole lake"),
        (("aoi_bounds=[11,48,11.1,48.1]", "--bbox", "1,2,3,4", "--month", "2024-07"), "aoi_bounds and an option are given"),
        (("aoi_bounds=[11,48,11.1,48.1]", "start_date=2024-07-05"), "start_date alone says no months"),
        (("aoi_bounds=[11,48,11.1,48.1]", "start_date=2024-07-05", "end_date=2024-07-01"), "is before start_date"),
        (("aoi_bounds=[11,48,11.1,48.1]", "start_date=5 July", "end_date=2024-07-07"), "5 July"),
        (("aoi_bound=[11,48,11.1,48.1]", "--month", "2024-07"), "did you mean aoi_bounds"),
        (("input_table=claylake.chips", "--bbox", "11,48,11.1,48.1", "--month", "2024-07"), "has a meaning for embed only"),
        (("--bbox", "11,48,11.1,48.1", "--month", "2024-07", "--encoder", "no-such"), "encoder no-such is not on this machine"),
        (("--bbox", "11,48,11.1,48.1", "--month", "2024-07", "--encoder", "./none"), "no such folder"),
    ],
)  # fmt: skip
def test_it_is_refused_before_anything_is_made(tmp_path, arguments, text):
    assert text in refused(tmp_path / "lake", *arguments)


def test_both_areas_are_refused(tmp_path, aoi):
    assert "both are given" in refused(tmp_path / "lake", "--aoi", aoi, "--bbox", "1,2,3,4", "--month", "2024-07")


def test_an_encoder_folder_without_its_description_is_refused(tmp_path, aoi):
    assert "no encoder artefact" in refused(
        tmp_path / "lake", "--aoi", aoi, "--month", "2024-07", "--encoder", tmp_path
    )


def test_a_namespace_that_is_no_name_is_refused(tmp_path, aoi, encoder):
    options = ("--aoi", aoi, "--month", "2024-07", "--encoder", encoder, "--database", "No Name")
    assert "a namespace of small letters" in refused(tmp_path / "lake", *options)


@pytest.mark.parametrize("name", ["what?", "a#b", "50%"])
def test_a_folder_that_libraries_would_misread_is_refused(tmp_path, aoi, encoder, name):
    said = refused(tmp_path / name, "--aoi", aoi, "--month", "2024-07", "--encoder", encoder)
    assert "give paths without" in said


def test_a_folder_with_other_things_is_no_lake(tmp_path, aoi):
    (tmp_path / "notes.txt").write_text("mine")
    done = run("init", tmp_path)
    assert done.exit_code == 2
    assert "other things in it" in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["field.geojson", "notes.txt"]


def test_a_new_lake_has_settings_and_init_leaves_an_old_one_as_it_is(tmp_path):
    lake = tmp_path / "lake"
    assert run("init", lake).exit_code == 0
    (lake / "settings.yaml").write_text("selection:\n  min_clear_frac: 0.5\n")
    assert run("init", lake).exit_code == 0
    assert "0.5" in (lake / "settings.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "said"), [("- a\n", "expected sections"), ("a: [\n", "not readable"), ("cluster: {}\n", "no cluster")]
)
def test_settings_of_a_lake_that_cannot_be_used_are_refused(tmp_path, aoi, text, said):
    run("init", tmp_path / "lake")
    (tmp_path / "lake/settings.yaml").write_text(text)
    done = run("plan", "--lake", tmp_path / "lake", "--aoi", aoi, "--month", "2024-07")
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_a_step_that_goes_on_needs_a_run_before(tmp_path, aoi, encoder):
    done = run("embed", "--lake", tmp_path / "lake", "--aoi", aoi, "--month", "2024-07", "--encoder", encoder)
    assert done.exit_code == 2
    assert "no run has extracted it" in done.output


def test_data_without_items_is_refused(tmp_path, aoi, encoder):
    (tmp_path / "data").mkdir()
    options = ("--lake", tmp_path / "lake", "--aoi", aoi, "--month", "2024-07", "--encoder", encoder)
    done = run("plan", *options, "--data", tmp_path / "data")
    assert done.exit_code == 2
    assert "no STAC item" in done.output


def test_a_catalogue_that_does_not_answer_has_an_exit_code_of_its_own(tmp_path, aoi, encoder):
    options = ("--lake", tmp_path / "lake", "--aoi", aoi, "--month", "2024-07", "--encoder", encoder)
    done = run("plan", *options, "catalogue.url=http://127.0.0.1:9/v1", "catalogue.retries=0")
    assert done.exit_code == 4, done.output
    assert "STAC catalogue http://127.0.0.1:9/v1" in done.output


def test_values_are_yaml():
    given = ["selection.passes_per_month=null", "selection.collections=[sentinel-2-l2a]", "encoder.model=a=b"]
    assert parse(given) == {
        "selection": {"passes_per_month": None, "collections": ["sentinel-2-l2a"]},
        "encoder": {"model": "a=b"},
    }


def test_a_value_that_is_no_yaml_is_refused():
    with pytest.raises(SettingsError, match="not readable as YAML"):
        parse(["selection.collections=[a"])


@pytest.mark.parametrize(
    "name",
    [
        "plan",
        "run",
        "extract",
        "embed",
        "publish",
        "maintain",
        "verify",
        "init",
        "relocate",
        "show",
        "report",
        "doctor",
    ],
)
def test_help_has_an_example(name):
    done = run(name, "--help")
    assert done.exit_code == 0
    assert f"Example: {'mv lake' if name == 'relocate' else f'claylake {name}'}" in " ".join(done.output.split())


def test_an_empty_lake_has_nothing_to_maintain(tmp_path):
    done = run("maintain", "--lake", tmp_path / "lake")
    assert done.exit_code == 2
    assert "no run has extracted anything" in " ".join(done.output.split())
