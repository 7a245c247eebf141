"""Finding the lines that say why a step failed."""

from __future__ import annotations

import gzip

import pytest

from claylake_airflow import step_log

CLIENT = b"INFO Submitted application application_17_0001\nException: application failed\n"
BASE = "logs/j-1"
STEP = f"{BASE}/steps/s-1/stderr.gz"
DRIVER = f"{BASE}/containers/application_17_0001/container_17_0001_01_000001"


class S3:
    """Objects of one bucket; `later` appear at the second look."""

    def __init__(self, objects, later=None, refused=()):
        self.refused = refused
        self.objects = {key: gzip.compress(text) for key, text in objects.items()}
        self.later = {key: gzip.compress(text) for key, text in (later or {}).items()}
        self.looks = 0

    def get_object(self, Bucket, Key):
        from io import BytesIO

        from botocore.exceptions import ClientError

        assert Bucket == "bucket"
        if Key == STEP:
            self.looks += 1
        if self.looks > 1:
            self.objects |= self.later
        if "GetObject" in self.refused:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": BytesIO(self.objects[Key])}

    def get_paginator(self, _):
        return self

    def paginate(self, Bucket, Prefix):
        from botocore.exceptions import ClientError

        assert Bucket == "bucket"
        if "ListObjectsV2" in self.refused:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListObjectsV2")
        yield {"Contents": [{"Key": key} for key in self.objects if key.startswith(Prefix)]}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(step_log, "_PAUSE_S", 0.01)


def tail(s3, **more):
    return step_log.tail(s3, "s3n://bucket/logs/", "j-1", "s-1", **{"wait_s": 0, **more})


def test_in_client_mode_the_steps_own_log_is_told():
    told = tail(S3({STEP: b"one\ntwo\nthree\n"}), lines=2)
    assert told == "two\nthree\n(more in s3://bucket/logs/j-1/steps/s-1/)"


def test_in_cluster_mode_the_drivers_log_is_told():
    objects = {
        STEP: CLIENT,
        f"{DRIVER}/stdout.gz": b"printed",
        f"{DRIVER}/stderr.gz": b"Traceback\nKeyError: 'x'",
        f"{DRIVER[:-1]}2/stderr.gz": b"an executor",
    }
    assert tail(S3(objects)).startswith("printed\nTraceback\nKeyError: 'x'\n(more in")


def test_the_last_attempts_driver_counts():
    second = DRIVER.replace("_01_000001", "_02_000001")
    told = tail(S3({STEP: CLIENT, f"{DRIVER}/stderr.gz": b"first", f"{second}/stderr.gz": b"second"}))
    assert told.startswith("second")


def test_late_logs_are_waited_for():
    assert tail(S3({}, later={STEP: b"late"}), wait_s=300).startswith("late")
    s3 = S3({STEP: CLIENT}, later={f"{DRIVER}/stderr.gz": b"KeyError"})
    assert tail(s3, wait_s=300).startswith("KeyError")


def test_the_wait_is_bounded_and_says_where_to_look():
    assert tail(S3({})) == "no log yet; look in s3://bucket/logs/j-1/steps/s-1/"
    assert tail(S3({STEP: CLIENT})).startswith("INFO Submitted")


def test_a_bucket_that_refuses_is_a_line_and_is_not_waited_for():
    """The step's own log is shown where only the listing of containers is refused."""
    listing = S3({STEP: CLIENT}, refused=["ListObjectsV2"])
    first, _, trouble, _ = tail(listing, wait_s=300).splitlines()
    assert first.startswith("INFO Submitted")
    assert trouble.startswith("(not all of the log could be read: s3://bucket/logs/j-1/containers/application_17_0001/")
    none, trouble = tail(S3({STEP: CLIENT}, refused=["GetObject"]), wait_s=300).splitlines()
    assert none.startswith("no log yet")
    assert "AccessDenied" in trouble


def test_a_torn_log_does_not_hide_the_failure():
    s3 = S3({STEP: b"whole"})
    s3.objects[STEP] = s3.objects[STEP][:-4]
    assert tail(s3).startswith("no log yet")


def test_a_cluster_without_logs_is_told():
    assert "keeps no logs" in step_log.tail(S3({}), "", "j-1", "s-1")
