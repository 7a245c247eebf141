"""How far a step is, in the log of the task that waits for it: the line, when it comes, and that nothing of it does harm."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from claylake import store
from claylake.run.progress import PROGRESS, Progress
from claylake_airflow import step_progress
from claylake_airflow.step_progress import StepProgress, UnreadableError
from claylake_airflow.triggers import StepTrigger
from tests.plugins.drive import make_plan

LOG = logging.getLogger("tests.trigger")
"""In place of the trigger's own, which Airflow's settings keep quiet."""
NOW = datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
HOURS_AGO = NOW - timedelta(hours=3)
COUNTS = st.integers(0, 10**12)
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
PROGRESSES = st.builds(
    Progress,
    step=st.sampled_from(["extract", "embed"]),
    stage=WORDS,
    unit=st.just("") | WORDS,
    done=COUNTS,
    total=st.none() | COUNTS,
    downloaded=COUNTS,
    per_second=st.none() | st.floats(0, 1e9),
    began=st.just(NOW),
    written=st.just(NOW),
)


def progress(done, step="extract"):
    return Progress(
        step=step, stage="read chips", unit="chips", done=done, total=8, per_second=2.0, downloaded=5_000_000, began=NOW, written=NOW
    )  # fmt: skip


@given(PROGRESSES)
@settings(max_examples=300, deadline=None)
def test_the_line_is_that_of_the_model(said):
    assert step_progress.text(json.loads(said.model_dump_json())) == said.text


def test_every_key_of_the_model_is_read_or_left_out_on_purpose():
    class Keys(dict):
        def __getitem__(self, key):
            read.add(key)
            return super().__getitem__(key)

    read = {"step"}  # by StepProgress, below
    step_progress.text(Keys(json.loads(progress(3).model_dump_json())))
    assert set(Progress.model_fields) - read == {"began", "written"}
    assert read <= set(Progress.model_fields)


class Step:
    """EMR, whose DescribeStep gives the states of a list, the last again and again."""

    def __init__(self, *states, started=HOURS_AGO):
        self.states = list(states)
        self.started = started

    async def describe_step(self, StepId, **_):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        started = {} if state == "PENDING" else {"StartDateTime": self.started}
        return {"Step": {"Id": StepId, "Name": "claylake extract#1", "Status": {"State": state, "Timeline": started}}}


class Counted:
    """A client of S3 that notes how each GET ended."""

    def __init__(self, client):
        self._client = client
        self.ended = []

    async def get_object(self, **request):
        try:
            answer = await self._client.get_object(**request)
        except ClientError as error:
            self.ended.append(error.response["Error"]["Code"])
            raise
        self.ended.append("sent")
        return answer


@pytest.fixture
def plan(aws, request):
    return make_plan(aws, run_id=f"run-{request.node.name[:40]}")


@pytest.fixture
def polls(plan, monkeypatch, caplog):
    """Polls a step's trigger with what is written before each poll: lines of the log and ends of GETs of each."""
    client_of = step_progress.hook

    def run(emr, *writes):
        made = []

        class Hook:
            async def get_async_conn(self):
                return Connection()

        class Connection:
            async def __aenter__(self):
                self.real = await client_of("us-west-2").get_async_conn()
                made.append(Counted(await self.real.__aenter__()))
                return made[0]

            async def __aexit__(self, *error):
                await self.real.__aexit__(*error)

        monkeypatch.setattr(step_progress, "hook", lambda _: Hook())
        wait = {"region": "us-west-2", "poll_seconds": 0.0, "deadline": time.time() + 300}
        trigger = StepTrigger(cluster_id="j-1", step_id="s-1", job="extract", progress=plan.uri(PROGRESS), **wait)
        monkeypatch.setattr(trigger, "_log", LOG)

        async def poll_all():
            seen = []
            async with trigger.open_clients:
                for write in writes:
                    write()
                    caplog.clear()
                    event = await trigger.poll(emr)
                    ours = [record.message for record in caplog.records if record.name == LOG.name]
                    seen.append([line for line in ours if not line.startswith("step ")])
            return seen, event

        with caplog.at_level(logging.INFO):
            seen, event = asyncio.run(poll_all())
        return seen, event, made[0].ended if made else []

    return run


def nothing():
    """Nothing is written."""


def test_each_change_is_one_line_and_what_is_unchanged_is_not_sent(plan, polls):
    save = lambda done: lambda: progress(done).save(plan)  # noqa: E731
    seen, event, ended = polls(Step("RUNNING"), nothing, save(3), nothing, nothing, save(5))
    said = [f"read chips: {done} of 8 chips, 2.0/s, 5.0 MB, {left} s left" for done, left in ((3, 2), (5, 2))]
    assert seen == [[], [said[0]], [], [], [said[1]]]
    assert ended == ["NoSuchKey", "sent", "304", "304", "sent"]
    assert event is None


def test_a_pending_step_is_not_looked_after(plan, polls):
    progress(3).save(plan)
    assert polls(Step("PENDING"), nothing) == ([[]], None, [])


def test_what_another_step_of_the_run_has_left_is_no_news(plan, polls):
    seen, _, ended = polls(
        Step("RUNNING"), lambda: progress(8, step="publish").save(plan), nothing, lambda: progress(1).save(plan)
    )
    assert [len(lines) for lines in seen] == [0, 0, 1]
    assert ended == ["sent", "304", "sent"]


def test_what_an_earlier_attempt_has_left_is_no_news(plan, polls):
    """The step began after it was written; an object of the very second in which the step began counts."""
    progress(3).save(plan)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert polls(Step("RUNNING", started=later), nothing)[0] == [[]]
    here = Step("RUNNING", started=datetime.now(UTC).replace(microsecond=999_999))
    assert len(polls(here, lambda: progress(3).save(plan))[0][0]) == 1


def test_the_end_says_how_far_it_came(plan, polls):
    progress(3).save(plan)
    _, event, _ = polls(Step("RUNNING", "FAILED"), nothing, lambda: progress(5).save(plan))
    assert (event["status"], event["reached"]) == ("failed", progress(5).text)
    _, event, _ = polls(Step("COMPLETED"), lambda: store.write(plan.uri(PROGRESS), b"{"))
    assert event == {"status": "done"}


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"\xff", b"[]", b"null", b"7", b'{"step": "extract"}', b"[" * 100_000,
        *(json.dumps(json.loads(progress(3).model_dump_json()) | wrong).encode() for wrong in (
            {"done": "three"}, {"total": []}, {"per_second": "fast"}, {"done": -(10**400)}, {"downloaded": [1]},
        )),
    ],
    ids=lambda body: body[:40].decode(errors="replace"),
)  # fmt: skip
def test_what_no_step_writes_is_named_once_and_does_no_harm(plan, polls, body):
    write = lambda: store.write(plan.uri(PROGRESS), body)  # noqa: E731
    seen, event, _ = polls(Step("RUNNING"), write, nothing, write, lambda: progress(4).save(plan))
    assert [len(lines) for lines in seen] == [1, 0, 0, 1]
    assert f"{plan.uri(PROGRESS)} does not say how far the step is" in seen[0][0]
    assert seen[3] == [progress(4).text]
    assert event is None


class Failing:
    """A client of S3 that fails."""

    def __init__(self, error):
        self.error = error

    async def get_object(self, **_):
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"),
        ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "GetObject"),
        EndpointConnectionError(endpoint_url="x"),
        TimeoutError(),
        ConnectionResetError(),
    ],
    ids=lambda error: str(error) or type(error).__name__,
)
def test_trouble_of_s3_is_of_one_kind(error):
    with pytest.raises(UnreadableError, match=type(error).__name__):
        asyncio.run(StepProgress(Failing(error), "s3://b/runs/progress.json", "extract").news(NOW))


def test_a_refusal_is_named_once_and_the_wait_goes_on(monkeypatch, caplog):
    class Hook:
        async def get_async_conn(self):
            return Opened()

    class Opened:
        async def __aenter__(self):
            return Failing(ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"))

        async def __aexit__(self, *error):
            pass

    monkeypatch.setattr(step_progress, "hook", lambda _: Hook())
    wait = {"region": "us-west-2", "poll_seconds": 0.0, "deadline": time.time() + 300}
    trigger = StepTrigger(cluster_id="j-1", step_id="s-1", job="extract", progress="s3://b/p.json", **wait)
    monkeypatch.setattr(trigger, "_log", LOG)
    emr = Step("RUNNING", "RUNNING", "COMPLETED")

    async def until_event():
        async with trigger.open_clients:
            while True:
                if event := await trigger.poll(emr):
                    return event

    with caplog.at_level(logging.INFO):
        assert asyncio.run(until_event()) == {"status": "done"}
    assert len([line for line in caplog.messages if "AccessDenied" in line]) == 1
