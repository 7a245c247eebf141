"""`make dag-check`: each fault has its line and is no other file's, and the exit code says whether there is one."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claylake.area.aoi import Aoi
from claylake.area.cells import AoiCells, cells_of
from claylake.area.rule import RULES
from claylake.configuration.settings import assemble
from claylake.request.size_limit import expected
from infra.dag_check.__main__ import main
from infra.dag_check.bill import bill_of, due_months
from infra.dag_check.check import check as check_all
from infra.dag_check.dags import Parsed
from infra.dag_check.page import page
from tests.infra.dag_check.conftest import square

ROOT = Path(__file__).parents[3]
NOW = datetime(2025, 3, 11, tzinfo=UTC)
BOW_TIE = {"type": "Polygon", "coordinates": [[[11.6, 48.3], [11.7, 48.4], [11.7, 48.3], [11.6, 48.4], [11.6, 48.3]]]}
FAULTS = {
    "broken": ("{", "not readable as JSON"),
    "point": (json.dumps({"type": "Point", "coordinates": [11.6, 48.3]}), "an AOI is a Polygon or MultiPolygon"),
    "bowtie": (json.dumps(BOW_TIE), "the polygon is not valid"),
    "metres": (square(5e6, 4e6, 5e6, 6e6), "are no degrees; they may be metres"),
    "pole": (square(south=88, north=89), "UTM covers"),
    "large": (square(12.6, limits={"max_cells": 100}), "limits.max_cells allows 100"),
    "column": (square(fid=3), "property 'fid' of the Feature: remove it"),
    "misspelt": (square(selection={"min_clear": 0.7}), "unknown key selection.min_clear"),
    "early": (square(schedule={"start_month": "2014-01"}), "schedule.start_month"),
    "settling": (square(schedule={"settle_days": 99}), "schedule.settle_days"),
    "dear": (square(limits={"budget_usd": 0.1}), "limits.budget_usd allows 0.1: runs would fail"),
    "geojson-0123456789": (square(), "ids could collide: rename the file"),
}
"""By name of the AOI file: its text, and what is said of it."""


def test_each_fault_has_its_line(check, write):
    folder = write("aois", good=square(), **{name: text for name, (text, _) in FAULTS.items()})
    (folder / "Good.json").write_text(square())
    (folder / "farm east.geojson").write_text(square())
    (folder / "shapes.kml").write_text("<kml/>")
    (folder / "parts").mkdir()
    (folder / "README.md").write_text("notes")
    code, lines, said = check(folder)
    assert code == 1
    wanted = {name: words for name, (_, words) in FAULTS.items()}
    for name, words in wanted.items():
        state, text = lines.get(name) or lines[f"{name}.geojson"]
        assert (state, words in text) == ("wrong", True), (name, text)
    # `Good.json` comes first, in the order of capitals, and is the AOI.
    assert lines["good"][0] == "ok"
    assert "Good.json is the AOI good already: rename one of them" in lines["good.geojson"][1]
    assert "use up to 48 of a-z, 0-9, - and _" in said
    assert "an AOI file is GeoJSON" in lines["shapes.kml"][1]
    assert "move them" in lines["parts"][1]
    wrong = len(FAULTS) + 4
    assert f"\n{wrong} of {wrong + 1} wrong: " in said
    assert "claylake_aoi_check" not in said, "it fails for what has lines already"


def test_a_good_folder(check, write):
    folder = write("aois", north=square(schedule={"start_month": "2025-01"}), south=square(11.9))
    code, lines, said = check(folder)
    assert code == 0
    assert said.endswith("\nall 2 well\n")
    assert "no catalogue is searched" in said
    cells = cells_of(Aoi.from_geojson("north", json.loads(square()))).num_rows
    month = expected(cells, 1, assemble({}))
    state, text = lines["north"]
    assert state == "ok"
    assert text.startswith(
        f"{cells} cells; about {month.chips} chips and {month.usd:.2f} USD a month; months from 2025-01"
    )
    assert lines["south"][1] != text


def test_the_repositorys_own_files_pass(capsys):
    assert main(["--aois", str(ROOT / "dags/aois"), "--settings", str(ROOT / "dags/settings.yaml")]) == 0
    said = capsys.readouterr().out
    files = sorted(path.stem for path in (ROOT / "dags/aois").glob("*.geojson"))
    assert [line.split()[1] for line in said.splitlines() if line.startswith("ok ")] == files


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("selection: {min_clear_frac: 7}", "settings.yaml: selection.min_clear_frac"),
        ("selektion: {}", "unknown section 'selektion'; did you mean"),
        ("selection: [", "not readable as YAML"),
    ],
)
def test_bad_settings_have_one_line(check, write, text, words):
    code, lines, said = check(write("aois", good=square()), text)
    assert (code, set(lines)) == (1, {"settings.yaml"})
    assert words in said


def test_arguments_that_name_nothing(check, write, tmp_path, capsys):
    code, _, said = check(tmp_path / "nowhere")
    assert code == 2
    assert "no such folder; give the folder that holds the AOI files" in said
    assert main(["--aois", str(write("aois")), "--settings", str(tmp_path / "none.yaml")]) == 2
    assert "no such file; give a settings file" in capsys.readouterr().err
    code, _, said = check(write("aois"), before="no-such-commit")
    assert code == 2
    assert "give BEFORE a folder of earlier files, or a commit" in said


def test_settings_that_all_share_count(areas):
    shared = {"cluster": {"max_hours": 1, "layout": "cpu"}, "schedule": {"start_month": "2024-11"}}
    now = areas("aois", shared, wide=square(14.5, north=50.4, limits={"budget_usd": 1000}))
    [line] = check_all(now, None, Parsed(imports={}, dags={"claylake__wide": []}), NOW)
    assert "cluster.max_hours ends clusters after 1: raise it" in " ".join(line.faults)
    assert "months from 2024-11, 4 of them due" in line.facts


def test_what_airflow_says_is_shown_once(areas):
    now = areas("aois", good=square(), other=square())
    parsed = Parsed(
        imports={"claylake_monthly.py": "KeyError: 'x'", "claylake_aoi_check.py": "BadInputError: y"},
        dags={"claylake__other": ["param month: no"], "claylake_adhoc": ["schedule: never"]},
    )
    found = {line.name: " ".join(line.faults) for line in check_all(now, None, parsed, NOW)}
    assert "Airflow makes no DAG claylake__good" in found["good"]
    assert found["other"] == "param month: no"
    assert found["claylake_adhoc"] == "schedule: never"
    assert found["claylake_monthly.py"] == "fails to import: KeyError: 'x'"
    assert "BadInputError" in found["claylake_aoi_check.py"], "no file has a line that would say so"


def test_airflows_faults_are_found(tmp_path):
    """Of DAGs of the test's own, since the settings let none of these through."""
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "broken.py").write_text("from airflow.sdk import DAG\nDAG(dag_id='x', nonsense=1)\n")
    (folder / "late.py").write_text(
        "from airflow.sdk import DAG\n"
        "from claylake_airflow.timetable import MonthlySettledTimetable\n"
        "dag = DAG(dag_id='late', schedule=MonthlySettledTimetable(99))\n"
    )
    (folder / "odd.py").write_text(
        "from airflow.sdk import DAG, Param\n"
        "with DAG(dag_id='well', schedule=None, params={'n': Param(3, type='integer')}): pass\n"
        "with DAG(dag_id='odd', schedule=None) as dag: pass\n"
        "dag.params.update({'n': Param(3, type='integer')})\n"
        "dag.params.get_param('n').value = 'three'\n"
    )
    env = {
        "PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'dags'}:{ROOT / 'plugins'}:{ROOT}", "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }  # fmt: skip
    result = tmp_path / "result.json"
    command = [sys.executable, "-W", "ignore", "-m", "infra.dag_check.parse", folder, result]
    subprocess.run(command, env=env, check=True, capture_output=True)
    parsed = json.loads(result.read_text())
    assert set(parsed["imports"]) == {"broken.py", "late.py"}
    assert "settle_days is 99: allowed are 0 to 60" in parsed["imports"]["late.py"]
    assert set(parsed["dags"]) == {"well", "odd"}
    assert parsed["dags"]["well"] == []
    assert parsed["dags"]["odd"][0].startswith("param n: 'three' is not of type 'integer'")


@pytest.mark.parametrize(("day", "due"), [(9, 1), (10, 1), (11, 2)])
def test_a_month_is_due_once_it_has_settled(day, due):
    written = assemble({"settings.yaml": {"schedule": {"start_month": "2025-01", "settle_days": 10}}})
    assert due_months(written, datetime(2025, 3, day, tzinfo=UTC)) == due


def test_a_type_too_small_for_the_steps_is_a_fault():
    small = {
        "cluster": {"layout": "cpu", "cpu_types": ["c7i.large"]},
        "prices": {"instance_usd_h": {"c7i.large": 1, "m7i.xlarge": 1}},
    }
    bill = bill_of(100, assemble({"settings.yaml": small}), NOW)
    assert bill.month is None
    assert "c7i.large has too little memory" in bill.faults[0]


def test_an_area_without_a_tile_is_a_fault(areas, monkeypatch):
    nothing = AoiCells(grids=(), digests=dict.fromkeys(RULES, ""))
    monkeypatch.setattr("infra.dag_check.areas.cells_by_rule", lambda _: nothing)
    assert "Sentinel-2 has no tile there" in areas("aois", farm=square()).problems["farm.geojson"]


def test_an_empty_folder_is_said():
    assert "no AOI file: only the DAG of the trigger form" in page([], "")
