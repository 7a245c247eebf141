"""Buttons."""

from __future__ import annotations

import pytest

from claylake_airflow.links import EmrConsoleLink, ReportLink, emr_console, s3_object


@pytest.fixture
def on_aws(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.mark.usefixtures("on_aws")
def test_addresses_on_aws():
    assert emr_console("eu-west-1", "j-1") == (
        "https://eu-west-1.console.aws.amazon.com/emr/home?region=eu-west-1#/clusterDetails/j-1"
    )
    assert s3_object("eu-west-1", "s3://lake/runs/a+b/index.html") == (
        "https://eu-west-1.console.aws.amazon.com/s3/object/lake?region=eu-west-1&prefix=runs/a%2Bb/index.html"
    )


def test_on_the_local_stack_the_report_is_the_object_itself(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5555/")
    assert s3_object("us-west-2", "s3://lake/runs/index.html") == "http://127.0.0.1:5555/lake/runs/index.html"


def test_a_link_is_stored_at_once_and_again_at_the_end():
    class Task:
        pass

    class Ti:
        pushed: dict[str, str] = {}  # noqa: RUF012

        def xcom_push(self, key, value):
            self.pushed[key] = value

    task, ti = Task(), Ti()
    assert ReportLink().get_link(task, ti_key=ti) == ""
    ReportLink().show(task, {"ti": ti}, "http://report")
    assert ti.pushed == {"_link_ReportLink": "http://report"}
    assert ReportLink().get_link(task, ti_key=ti) == "http://report"
    assert EmrConsoleLink().get_link(task, ti_key=ti) == ""
