"""The DAGs as Airflow sees them, with one AOI file."""

from __future__ import annotations

import pytest

from tests.plugins import airflow_home

airflow_home.prepare()


def pytest_configure(config):
    for warning in airflow_home.THIRD_PARTY:
        config.addinivalue_line("filterwarnings", warning)


def load():
    """Parse the DAGs folder anew."""
    from airflow.dag_processing.dagbag import BundleDagBag

    folder = airflow_home.ROOT / "dags"
    return BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="dags-folder")


@pytest.fixture(scope="session")
def bag():
    return load()


@pytest.fixture
def parse():
    return load


@pytest.fixture
def aois(tmp_path, monkeypatch):
    """An AOI folder of the test's own: name to text."""

    def write(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.geojson").write_text(text)
        monkeypatch.setenv("CLAYLAKE_AOIS", str(tmp_path))

    return write
