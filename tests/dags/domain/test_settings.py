import json

import pytest
from pydantic import ValidationError

from claylake.area.aoi import Aoi
from claylake.configuration.layers import load_settings, read_aois
from claylake.configuration.settings import Settings, assemble
from claylake.errors import SettingsError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("CLAYLAKE_DEPLOYED", raising=False)
    return tmp_path


def town(**overrides):
    ring = [[15, 45], [16, 45], [16, 46], [15, 45]]
    return Aoi(name="town", geometry={"type": "Polygon", "coordinates": [ring]}, overrides=overrides)


def test_later_layers_win_key_by_key(folder):
    (folder / "settings.yaml").write_text(
        "selection: {max_scene_cloud: 70, min_clear_frac: 0.5}\nlimits: {budget_usd: 5}"
    )
    (folder / "deployed.json").write_text(json.dumps({"cluster": {"layout": "cpu"}}))
    aoi = town(selection={"max_scene_cloud": 60}, limits={"budget_usd": 7})
    settings = load_settings(folder, aoi, {"limits": {"budget_usd": 9}})
    assert settings.selection.max_scene_cloud == 60
    assert settings.selection.min_clear_frac == 0.5
    assert settings.limits.budget_usd == 9
    assert settings.cluster.layout == "cpu"
    assert settings.cluster.spot is True


def test_no_files_give_the_built_in_settings(folder):
    assert load_settings(folder, None, {}) == Settings()


def test_deployed_may_lie_elsewhere(folder, monkeypatch):
    elsewhere = folder / "elsewhere.json"
    elsewhere.write_text('{"limits": {"budget_usd": 3}}')
    monkeypatch.setenv("CLAYLAKE_DEPLOYED", str(elsewhere))
    assert load_settings(folder, None, {}).limits.budget_usd == 3


def test_a_deployed_that_is_named_must_be_there(folder, monkeypatch):
    monkeypatch.setenv("CLAYLAKE_DEPLOYED", str(folder / "gone.json"))
    with pytest.raises(SettingsError, match=r"CLAYLAKE_DEPLOYED names .*gone\.json"):
        load_settings(folder, None, {})


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (
            {"selektion": {}},
            "test: unknown section 'selektion'; did you mean selection\\? allowed: catalogue, grid, selection",
        ),
        ({"selection": {"clouds": 1}}, "test: unknown key selection.clouds; allowed: max_scene_cloud"),
        ({"deployed": {"bucket": "x"}}, "test: unknown key deployed.bucket; allowed: region"),
        (
            {"selection": {"max_scene_cloud": 120}},
            r"test: selection.max_scene_cloud: .*less than or equal to 100 \(given 120",
        ),
        (
            {"selection": {"collections": ["landsat"]}},
            "test: selection.collections.0: .*sentinel-2-c1-l2a.*given 'landsat'",
        ),
        ({"selection": {"collections": []}}, "at least one"),
        ({"selection": {"collections": ["sentinel-2-l2a"] * 2}}, "give each collection once"),
        ({"encoder": {"convention": "mine"}}, "'tutorial', 'training' or 'blank'"),
        ({"encoder": {"model": "../x"}}, "encoder.model"),
        ({"schedule": {"start_month": "July"}}, "yyyy-mm"),
        ({"schedule": {"start_month": "2015-05"}}, "lies before Sentinel-2"),
        ({"cluster": {"primary_type": "x9.large"}}, "x9.large has no price: add it to prices.instance_usd_h"),
        ({"cluster": {"gpu_types": ["g6e.xlarge"]}}, "g6e.xlarge has no price: add it"),
        ({"cluster": {"layout": "cpu", "cpu_types": ["m6a.large"]}}, "m6a.large has no price: add it"),
        ({"cluster": {"compute": "auto", "cpu_types": ["m6a.large"]}}, "m6a.large has no price: add it"),
        (
            {"cluster": {"gpu_types": ["g6.2xlarge", "m7i.2xlarge"]}},
            r"test: cluster.gpu_types: .*m7i.2xlarge has no GPU: use types such as g6.2xlarge, or set cluster.layout to cpu",
        ),
        (
            {"cluster": {"layout": "cpu", "cpu_types": ["g5.xlarge"]}},
            "g5.xlarge has GPUs .* move it to cluster.gpu_types",
        ),
        ({"cluster": {"primary_type": "g5.xlarge"}}, "the primary node runs no executor, and g5.xlarge has GPUs"),
        ({"cluster": {"gpu_types": []}}, "cluster.gpu_types: .*at least 1 item"),
        ({"cluster": {"gpu_types": ["g5.xlarge"] * 2}}, "give each instance type once"),
        ({"cluster": {"cpu_types": ["m7g.xlarge"]}}, "m7g.xlarge: an ARM processor, .*built for x86-64"),
        ({"cluster": {"gpu_types": ["g4ad.xlarge"]}}, "g4ad.xlarge: no GPU family known here; there are g4dn, g5"),
        ({"cluster": {"layout": "gpu"}}, "cluster.layout: .*'all_gpu', 'split' or 'cpu'"),
        ({"deployed": {"release": "latest"}}, "test: deployed.release: .*pattern"),
        ({"cluster": 5}, "section 'cluster' must be a mapping"),
        ({"deployed": {"region": "us-west-2"}}, "test: deployed.lake: Field required"),
        ({"grid": {"ownership": 3}}, r"test: grid.ownership: Input should be 'auto', 1 or 2 \(given 3\)"),
        ({"limits": {"budget_usd": "much"}}, "given 'much'"),
    ],
)
def test_a_bad_layer_names_key_source_and_what_is_allowed(layer, says):
    with pytest.raises(SettingsError, match=says):
        assemble({"defaults": {}, "test": layer})


DEPLOYED = {
    "region": "us-west-2",
    "lake": "s3://lake",
    "artifacts": "s3://lake/artifacts/0123456789ab",
    "log_uri": "s3://logs",
    "service_role": "service",
    "instance_profile": "nodes",
    "subnet_ids": ["subnet-1"],
}


@pytest.mark.parametrize("layout", ["all_gpu", "split"])
def test_gpus_want_a_release_that_was_built_for_them(layout):
    def given(arch, chosen):
        return assemble({"x": {"deployed": {**DEPLOYED, "arch": arch}, "cluster": {"layout": chosen}}})

    with pytest.raises(
        SettingsError, match=rf"layout {layout} needs a release built for GPUs, .* set cluster.layout to cpu"
    ):
        given("cpu", layout)
    assert given("cpu", "cpu").where.arch == "cpu"
    assert given("cuda", layout).cluster.layout == layout
    assert given(None, layout).cluster.layout == layout


OPTIMIZERS = {"catalog_id": "123456789012", "snapshot_days": 9, "keep_snapshots": 5, "orphan_days": 4}


def tidied(by, *, ours=None, aoi=None, **deployed):
    by_glue = {"optimizers": OPTIMIZERS} if by == "glue" else {}
    return assemble(
        {
            "settings.yaml": {"maintenance": ours or {}},
            "aois/town.geojson": {"maintenance": aoi or {}},
            "deployed.json": {"deployed": {**DEPLOYED, "maintenance": by, **by_glue, **deployed}},
        }
    )


def test_who_tidies_is_what_is_deployed():
    assert assemble({"deployed.json": {"deployed": DEPLOYED}}).where.maintenance == "jobs"
    assert tidied("jobs", aoi={"snapshot_days": 30}).where.optimizers is None
    found = tidied("glue", ours={"snapshot_days": 9}, aoi={"stale_branch_days": 60})
    assert (found.where.maintenance, found.where.optimizers.catalog_id) == ("glue", "123456789012")
    assert found.maintenance.retention.model_dump() == {"snapshot_days": 9, "keep_snapshots": 5, "orphan_days": 4}


@pytest.mark.parametrize(
    ("ours", "aoi", "said"),
    [
        ({}, {}, r"snapshot_days 7 \(the optimizers have 9\): Glue's .* deploy"),
        ({"snapshot_days": 9}, {"snapshot_days": 30}, r"snapshot_days 30 \(the optimizers have 9\)"),
        ({"snapshot_days": 9}, {"orphan_days": 8, "keep_snapshots": 1}, "keep_snapshots 1 .*, orphan_days 8 "),
    ],
)
def test_limits_that_glues_optimizers_do_not_have_are_refused(ours, aoi, said):
    assert tidied("jobs", ours=ours, aoi=aoi)
    with pytest.raises(SettingsError, match=said):
        tidied("glue", ours=ours, aoi=aoi)


@pytest.mark.parametrize(
    ("by", "deployed", "said"),
    [
        ("both", {}, r"deployed\.json: deployed\.maintenance: Input should be 'jobs' or 'glue' \(given 'both'\)"),
        ("glue", {"optimizers": None}, "maintenance glue without optimizers: .* deploy again"),
        ("jobs", {"optimizers": OPTIMIZERS}, "maintenance jobs with optimizers: "),
        ("glue", {"optimizers": {**OPTIMIZERS, "mode": 1}}, r"deployed\.optimizers\.mode: Extra inputs"),
        ("glue", {"optimizers": {"snapshot_days": 7}}, r"deployed\.optimizers\.catalog_id: Field required"),
        ("glue", {"optimizers": {**OPTIMIZERS, "catalog_id": "mine"}}, r"catalog_id: .*given 'mine'"),
    ],
)
def test_contradictions_on_who_tidies_are_refused(by, deployed, said):
    with pytest.raises(SettingsError, match=said):
        tidied(by, ours={"snapshot_days": 9}, **deployed)


def test_no_other_layer_says_who_tidies():
    layers = {
        "settings.yaml": {"deployed": {"maintenance": "glue"}},
        "deployed.json": {"deployed": {**DEPLOYED, "maintenance": "jobs"}},
    }
    assert assemble(layers).where.maintenance == "jobs"
    layers["settings.yaml"]["deployed"]["optimizers"] = OPTIMIZERS
    with pytest.raises(SettingsError, match="maintenance jobs with optimizers"):
        assemble(layers)


def test_types_of_a_layout_that_is_not_taken_need_no_price():
    assert assemble({"x": {"cluster": {"cpu_types": ["m6a.large"]}}}).cluster.cpu_types == ("m6a.large",)
    assert assemble({"x": {"cluster": {"layout": "cpu", "gpu_types": ["p5.48xlarge"]}}}).cluster.layout == "cpu"


@pytest.mark.parametrize(
    ("name", "text"),
    [("settings.yaml", "a: ["), ("settings.yaml", "- 1"), ("deployed.json", "{"), ("deployed.json", "[1]")],
)
def test_an_unreadable_file_is_named(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(SettingsError, match=name):
        load_settings(folder, None, {})


def test_the_source_of_a_bad_value_is_the_layer_that_set_it(folder):
    (folder / "settings.yaml").write_text("limits: {budget_usd: 5}")
    with pytest.raises(SettingsError, match=r"aois/town\.geojson: limits\.budget_usd"):
        load_settings(folder, town(limits={"budget_usd": -1}), {})


def test_nothing_deployed_says_what_to_do():
    with pytest.raises(SettingsError, match=r"no deployed\.json: deploy"):
        _ = Settings().where


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().limits.budget_usd = 1


def test_the_shipped_settings_are_the_built_in_ones(monkeypatch, pytestconfig):
    monkeypatch.delenv("CLAYLAKE_DEPLOYED", raising=False)
    shipped = pytestconfig.rootpath / "dags" / "settings.yaml"
    assert load_settings(shipped.parent, None, {}).model_copy(update={"deployed": None}) == Settings()


def test_aois_are_read_by_name_and_problems_told(tmp_path):
    (tmp_path / "b.geojson").write_text(json.dumps(town().geometry))
    (tmp_path / "a.geojson").write_text(json.dumps(town().geometry))
    (tmp_path / "notes.txt").write_text("not an AOI")
    assert list(read_aois(tmp_path).aois) == ["a", "b"]
    assert read_aois(tmp_path).problems == {}
    (tmp_path / "c.geojson").write_text("{}")
    assert list(read_aois(tmp_path).aois) == ["a", "b"]
    ((name, problem),) = read_aois(tmp_path).problems.items()
    assert name == "c.geojson"
    assert "c.geojson" in problem
