"""`make up`: addresses that stay, what it says at the start, and how it ends."""

import json
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.local import standalone, up
from infra.local.client import StackInfo
from infra.local.ports import free_port
from infra.local.standalone import Airflow, AirflowError
from infra.local.up import Ports
from tests.infra.local.scenes import make_item


@dataclass
class Home:
    """Parts of a stack that only say that they start and end."""

    state: Path
    said: list[str] = field(default_factory=list)
    places: tuple[str, ...] = ()
    runs: list[dict] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    def world(self, *_arguments):
        return self.state

    @contextmanager
    def stack(self, _data, *places):
        self.places = places
        self.said.append("stack")
        try:
            port = places[1]
            document = {"endpoint": f"http://127.0.0.1:{port}", "stac_url": "http://stac", "root": str(self.state)}
            yield StackInfo(document)
        finally:
            self.said.append("no stack")

    def airflow_env(self, _info):
        return {}

    def migrate(self, _env):
        self.said.append("migrated")


@dataclass(frozen=True, kw_only=True)
class Ui(Airflow):
    """An Airflow that has the runs of a home."""

    home: Home

    def log_in(self):
        return self

    def call(self, method, path, body=None):
        if method == "GET":
            assert path == "dags/~/dagRuns?state=running&limit=100"
            return {"dag_runs": self.home.runs}
        self.home.notes[path] = body["note"]
        return None


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = Home(tmp_path)

    @contextmanager
    def running(_home, _env, port, _log):
        home.said.append("airflow")
        try:
            yield Ui(url=f"http://127.0.0.1:{port}", home=home)
        finally:
            home.said.append("no airflow")

    monkeypatch.setattr(standalone, "running", running)
    monkeypatch.setattr(up.signal, "signal", lambda *_: None)
    monkeypatch.setattr(up.signal, "pause", interrupted)
    return home


def interrupted(*_arguments):
    raise KeyboardInterrupt


def three_ports():
    """The first of three free ports in a row."""
    while True:
        first = free_port()
        if Ports.from_port(first) == Ports(first=first, ui=first, stack=first + 1, stac=first + 2):
            return first


def test_it_says_addresses_what_to_do_first_where_logs_are_and_that_all_has_ended(home, capsys):
    port = three_ports()
    assert up.main(["--port", str(port)], home) == 0
    said = capsys.readouterr().out
    for part in (
        f"Airflow   http://127.0.0.1:{port}  (no log-in",
        f"stand-in  http://127.0.0.1:{port + 1}",
        "claylake_adhoc > Trigger, with aoi: demo and months: 2024-08; unpause it",
        str(home.state / "airflow/standalone.log"),
        "end       Ctrl-C",
    ):
        assert part in said
    assert "another program" not in said
    assert home.places[:4] == ("--port", str(port + 1), "--stac-port", str(port + 2))
    assert home.said == ["stack", "migrated", "airflow", "no airflow", "no stack"]
    assert said.splitlines()[-2:] == [
        "ending Airflow and the stack",
        "all processes have ended; runs, their logs and their reports stay for the next make up, tables do not",
    ]


def test_a_run_under_way_is_named_and_its_note_says_why_it_will_be_red(home, capsys):
    home.runs = [
        {"dag_id": "claylake_adhoc", "dag_run_id": "manual__10:00+00:00", "note": None},
        {"dag_id": "claylake__demo", "dag_run_id": "scheduled__1", "note": "mine" * 300},
    ]
    assert up.main(["--port", str(three_ports())], home) == 0
    assert home.notes == {
        "dags/claylake_adhoc/dagRuns/manual__10%3A00%2B00%3A00?update_mask=note": up.UNFINISHED,
        "dags/claylake__demo/dagRuns/scheduled__1?update_mask=note": f"{up.UNFINISHED}\n\n{'mine' * 300}"[:1000],
    }
    assert "claylake_adhoc manual__10:00+00:00 was not done and cannot go on" in capsys.readouterr().out
    assert home.said[-2:] == ["no airflow", "no stack"]


def test_an_airflow_that_does_not_answer_is_ended_all_the_same(home, monkeypatch):
    def fails(*_arguments):
        raise AirflowError("gone")

    monkeypatch.setattr(Ui, "call", fails)
    assert up.main(["--port", str(three_ports())], home) == 0
    assert home.said[-2:] == ["no airflow", "no stack"]


def test_an_interrupted_start_ends_what_it_has_started(home, capsys, monkeypatch):
    monkeypatch.setattr(home, "migrate", interrupted)
    assert up.main(["--port", str(three_ports())], home) == 0
    assert home.said == ["stack", "no stack"]
    assert "all processes have ended" in capsys.readouterr().out


def test_a_port_that_is_taken_is_named_and_another_one_is_used(home, capsys):
    port = three_ports()
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        assert up.main(["--port", str(port)], home) == 0
    said = capsys.readouterr().out
    airflow, stack = (
        next(line for line in said.splitlines() if line.startswith(name)) for name in ("Airflow", "stand")
    )
    assert f"; this time not at {port}, which another program has)" in airflow
    assert f"http://127.0.0.1:{port} " not in airflow
    assert "another program" not in stack
    assert f"stand-in  http://127.0.0.1:{port + 1} " in said


@pytest.mark.parametrize("port", ["0", "65534", "http"])
def test_a_port_without_two_after_it_is_refused(home, capsys, port):
    with pytest.raises(SystemExit):
        up.main(["--port", port], home)
    assert "a number from 1 to 65533" in capsys.readouterr().err


def test_scenes_of_a_folder_are_what_to_begin_with(home, capsys, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    assert up.main(["--port", str(three_ports()), "--data", str(data)], home) == 1
    assert "holds no STAC items" in capsys.readouterr().err
    assert home.said == []
    (data / "item.json").write_text(json.dumps(make_item("a", day=3)))
    assert up.main(["--port", str(three_ports()), "--data", str(data)], home) == 0
    said = capsys.readouterr().out
    assert 'aoi_geojson: {"type": "Polygon", "coordinates": [[[10.0, 50.0], ' in said
    assert "months: 2024-06" in said
