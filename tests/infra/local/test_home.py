"""Airflow's environment on the stack: warnings of others are kept out by their words alone, and a token stays good."""

import subprocess
import sys

import pytest

from infra.local.client import StackInfo
from infra.local.home import Home

INFO = StackInfo({"env": {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}})
WARNINGS = """
import warnings
for words, kind in (
    ("GitWildMatchPattern ('gitwildmatch') is deprecated. Use 'gitignore'", DeprecationWarning),
    ("ProvidersManager.hooks is deprecated. Use another", FutureWarning),
    ("an option of ours is deprecated", DeprecationWarning),
    ("ProvidersManager.others is deprecated", FutureWarning),
    ("This process (pid=1) is multi-threaded", DeprecationWarning),
):
    warnings.warn(words, kind)
"""


@pytest.fixture
def env(tmp_path):
    return lambda: Home(state=tmp_path).airflow_env(INFO)


def said(env):
    run = [sys.executable, "-c", WARNINGS]
    return subprocess.run(run, env=env, capture_output=True, text=True, check=True).stderr


def test_only_those_warnings_of_others_are_kept_out(env, monkeypatch):
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)
    lines = [line.partition("Warning: ")[2] for line in said(env()).splitlines() if "Warning: " in line]
    assert lines == [
        "an option of ours is deprecated",
        "ProvidersManager.others is deprecated",
        "This process (pid=1) is multi-threaded",  # of another module than the one that forks
    ]


def test_a_users_own_filters_win(env, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "always")
    assert "GitWildMatchPattern" in said(env())


def test_tokens_are_signed_alike_at_every_start(env, tmp_path):
    secret = env()["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert env()["AIRFLOW__API_AUTH__JWT_SECRET"] == secret
    assert len(secret) >= 64, "bytes that its algorithm wants"
    assert (tmp_path / "airflow/jwt_secret").stat().st_mode & 0o077 == 0
