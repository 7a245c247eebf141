"""The operators against the local EMR: nothing twice, nothing left, and failures that explain themselves."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from botocore.exceptions import ClientError

from claylake.cluster import job_flow
from claylake.plan import PLAN
from claylake.run.failure import StepFailure
from claylake.run.progress import Progress
from claylake.run.reports import PublishReport
from claylake_airflow import emr, fleet, turns
from claylake_airflow.failures import REASON
from claylake_airflow.operators import (
    CreateClusterOperator,
    PublishOperator,
    ReceiptOperator,
    StepOperator,
    TerminateClusterOperator,
    WaitClusterReadyOperator,
)
from claylake_airflow.operators.create import QUEUED, WAITED
from claylake_airflow.operators.publish import month_asset
from claylake_airflow.operators.run_queue import RunQueue
from claylake_airflow.triggers import EndedTrigger, StepTrigger, TurnTrigger
from tests.infra.local.clusters import run_cluster
from tests.plugins.drive import context, deferred, fire, make_plan, run
from tests.shared.waiting import until

pytestmark = pytest.mark.usefixtures("aws")
REGION = "us-west-2"
ENDLESS = "sleep 3600"
"""A step that lives until it, or its cluster, is ended: `aws` ends clusters after each test."""


def create(plan, **xcoms):
    return CreateClusterOperator(task_id="create_cluster").execute(context(plan, **xcoms))


def terminate(plan, **xcoms):
    return run(TerminateClusterOperator(task_id="terminate"), context(plan, **xcoms))


def live():
    return [cluster.id for cluster in emr.live_clusters(emr.client(REGION))]


def queued(aws, number, hours):
    """The plan of a run that finds no room, and has a head start."""
    made = make_plan(aws, run_id=f"adhoc{number}", aoi=f"area{number}", dag_id="claylake_adhoc", max_clusters=1)
    schedule = made.settings.schedule.model_copy(update={"priority": hours})
    made = made.model_copy(update={"settings": made.settings.model_copy(update={"schedule": schedule})})
    made.save()
    return made


def keep(trigger):
    """Write a trigger's place, as it does itself when it begins to wait."""
    s3 = emr.hook(REGION).get_session(region_name=REGION).client("s3")
    s3.put_object(**turns.place_object(trigger.queue, trigger.place), Body=b"")


def step(name="extract", **more):
    return StepOperator(task_id=name, step=name, log_wait_s=300, **more)


@pytest.fixture
def plan(aws, request):
    return make_plan(aws, run_id=f"run-{request.node.name[:40]}")


@pytest.fixture
def command(monkeypatch):
    """Make every step run a shell command."""

    def use(script):
        def config(plan, name):
            return {
                "Name": f"claylake {name} {plan.run.run_id}",
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["bash", "-c", script]},
            }

        monkeypatch.setattr(job_flow, "step", config)

    return use


@pytest.fixture
def ready(plan):
    """Context of a step's task: the run's cluster is ready."""
    given = context(plan, create_cluster=create(plan))
    run(WaitClusterReadyOperator(task_id="wait_ready"), given)
    return given


class TestCreate:
    def test_it_makes_one_and_a_retry_adopts_it(self, plan):
        first = create(plan)
        assert create(plan) == first
        assert live() == [first]
        made = emr.describe(emr.client(REGION), first)
        assert made.run == (plan.run.dag_id, plan.run.run_id)
        assert made.name == job_flow.name(plan)

    def test_an_ended_cluster_is_not_adopted(self, plan):
        first = create(plan)
        terminate(plan, create_cluster=first)
        assert create(plan) != first

    def test_a_second_run_of_the_aoi_waits_its_turn(self, aws, plan):
        first = create(plan)
        other = make_plan(aws, run_id=plan.run.run_id + "-b")
        operator, given = CreateClusterOperator(task_id="create_cluster"), context(other)
        trigger = deferred(operator, given).trigger
        assert isinstance(trigger, TurnTrigger)
        assert live() == [first]
        first_ends = threading.Timer(0.3, terminate, [plan], {"create_cluster": first})
        first_ends.start()
        second = operator.resume(given, event=fire(trigger))
        assert live() == [second]
        first_ends.join()

    def test_a_full_house_is_waited_out(self, aws, plan):
        create(plan)
        porto = make_plan(aws, aoi="porto", dag_id="claylake__porto", max_clusters=1)
        deferred(CreateClusterOperator(task_id="create_cluster"), context(porto))
        roomy = make_plan(aws, aoi="porto", dag_id="claylake__porto", max_clusters=2)
        create(roomy)
        assert len(live()) == 2

    def test_of_two_at_the_same_moment_the_younger_gives_way(self, aws, plan, monkeypatch):
        other = make_plan(aws, run_id=plan.run.run_id + "-b")
        look, looks = emr.live_clusters, []

        def late(client):
            """The other run creates its cluster between our look and our request."""
            looks.append(client)
            found = look(client)
            if len(looks) == 1:
                with monkeypatch.context() as patch:
                    patch.setattr(emr, "live_clusters", look)
                    looks.append(create(other))
            return found

        monkeypatch.setattr(emr, "live_clusters", late)
        deferred(CreateClusterOperator(task_id="create_cluster"), context(plan))
        monkeypatch.setattr(emr, "live_clusters", look)
        assert live() == [looks[1]]

    def test_a_wait_that_is_refused_fails_with_the_reason(self, plan):
        with pytest.raises(AirflowException, match="turn: error, AccessDenied"):
            CreateClusterOperator(task_id="c").resume(context(plan), event={"status": "error", "why": "AccessDenied"})

    def test_runs_of_one_dag_wait_side_by_side_and_are_served_in_order(self, aws, plan):
        """As of `claylake_adhoc`: two runs wait, and the one with a head start goes first."""
        first, queue = create(plan), RunQueue.of(plan)
        waits = []
        for number, hours in ((1, 0), (2, 1)):
            made = queued(aws, number, hours)
            operator, given = CreateClusterOperator(task_id="create_cluster"), context(made)
            waits.append((operator, given, made, deferred(operator, given).trigger))
            keep(waits[-1][3])
        assert [each.run_id for each in sorted(queue.places(), key=lambda each: each.rank)] == ["adhoc2", "adhoc1"]
        assert "of at most 1 clusters are alive" in waits[0][1]["ti"].pushed[QUEUED]
        terminate(plan, create_cluster=first)
        operator, given, made, trigger = waits[0]
        with pytest.raises(TaskDeferred) as again:  # a trigger that has seen less does not make it pass
            operator.resume(given, event={"status": "done", "place": trigger.place})
        assert again.value.trigger.place == trigger.place
        for operator, given, made, trigger in reversed(waits):
            created = operator.resume(given, event=fire(trigger))
            assert live() == [created]
            assert given["ti"].pushed[WAITED] == 0
            terminate(made, create_cluster=created)
        assert queue.places() == []

    def test_the_note_says_how_long_a_run_has_waited_and_behind_whom(self, plan):
        given = context(plan, create_cluster=create(plan))
        given["ti"].xcoms |= {
            ("create_cluster", QUEUED): "1 run is before this one: porto",
            ("create_cluster", WAITED): 135,
        }
        ReceiptOperator(task_id="receipt").execute(given)
        said = given["ti"].pushed["note"].splitlines()[-1]
        assert said == "Waited 2 h 15 min for a cluster; at first: 1 run is before this one: porto"

    def test_without_a_plan_it_fails_for_good(self, plan):
        given = context(plan)
        given["ti"].xcoms.clear()
        with pytest.raises(AirflowFailException, match="no plan"):
            CreateClusterOperator(task_id="c").execute(given)

    def test_the_console_button_works_at_once(self, plan):
        given = context(plan)
        created = CreateClusterOperator(task_id="c").execute(given)
        assert given["ti"].pushed["_link_EmrConsoleLink"].endswith(f"/clusterDetails/{created}")


class TestForeign:
    """A colleague's cluster of a name like ours, without our tag: our permissions do not let us describe it."""

    @pytest.fixture(autouse=True)
    def foreign(self, plan, monkeypatch):
        client = emr.client(REGION)
        foreign = run_cluster(client, Name="claylake-test of a colleague", Tags=[])
        described = emr.describe

        def refusing(client, cluster_id):
            if cluster_id == foreign:
                raise ClientError(
                    {"Error": {"Code": "AccessDeniedException"}}, f"DescribeCluster for {plan.run.run_id}"
                )
            return described(client, cluster_id)

        monkeypatch.setattr(emr, "describe", refusing)
        yield foreign
        client.terminate_job_flows(JobFlowIds=[foreign])

    def test_it_neither_blocks_nor_breaks_a_run(self, plan, foreign):
        created = create(plan)
        assert live() == [created]
        assert terminate(plan, create_cluster=created) == [created]
        assert described_state(foreign) not in emr.ENDED


def described_state(cluster_id):
    return emr.client(REGION).describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"]


class TestReady:
    def test_a_cluster_that_fails_to_start_says_why(self, aws, plan):
        aws.fault(fail_bootstrap="claylake")
        given = context(plan, create_cluster=create(plan))
        with pytest.raises(AirflowFailException, match="did not become ready: failed, TERMINAT"):
            run(WaitClusterReadyOperator(task_id="wait_ready"), given)

    def test_without_a_cluster_it_fails_for_good(self, plan):
        with pytest.raises(AirflowFailException, match="clear this task"):
            WaitClusterReadyOperator(task_id="wait_ready").execute(context(plan))


class TestStep:
    def test_it_completes_and_gives_the_steps_id(self, plan, ready, command):
        command("echo fine")
        step_id = run(step(), ready)
        found = emr.steps_named(
            emr.client(REGION), ready["ti"].xcoms["create_cluster"], f"claylake extract {plan.run.run_id}"
        )
        assert [(each.id, each.name[-2:], each.state) for each in found] == [(step_id, "#1", "COMPLETED")]

    def test_a_live_step_is_adopted(self, ready, command):
        command(ENDLESS)
        first = deferred(step(), ready).trigger
        again = deferred(step(), ready).trigger
        assert isinstance(again, StepTrigger)
        assert again.step_id == first.step_id

    def test_a_cleared_task_runs_its_step_again(self, ready, command):
        command("true")
        first = run(step(), ready)
        assert run(step(), ready) != first

    def test_a_failure_tells_the_end_of_the_log(self, ready, command):
        command("echo KeyError: answer >&2; exit 3")
        with pytest.raises(AirflowException, match=r"(?s)step extract .*FAILED.*KeyError: answer.*more in s3://"):
            run(step(), ready)

    def test_a_failure_tells_how_far_the_step_got_and_so_does_the_note(self, plan, ready, command, tmp_path):
        command(f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; exit 3")
        operator = StepOperator(task_id="extract", step="extract", log_wait_s=0)
        trigger = deferred(operator, ready).trigger
        client, cluster = emr.client(REGION), ready["ti"].xcoms["create_cluster"]
        until(lambda: emr.steps_named(client, cluster, f"claylake extract {plan.run.run_id}")[0].started)
        now = datetime.now(UTC)
        Progress(step="extract", stage="read chips", unit="chips", done=3, total=8, began=now, written=now).save(plan)
        (tmp_path / "go").touch()
        event = fire(trigger)
        with pytest.raises(AirflowException, match=r"FAILED.*; it got as far as: read chips: 3 of 8 chips\n"):
            operator.resume(ready, event=event)
        said = ready["ti"].pushed[REASON]
        assert said == "step extract failed; it got as far as: read chips: 3 of 8 chips"
        ready["ti"].xcoms["extract", REASON] = said
        ReceiptOperator(task_id="receipt").execute(ready)
        assert f"**extract: {said}**" in ready["ti"].pushed["note"]

    def failed(self, plan, ready, command, tmp_path, **failure):
        """What a step's task fails with where the job has left its own reason."""
        command(f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; exit 3")
        operator = StepOperator(task_id="publish", step="publish", log_wait_s=0)
        trigger = deferred(operator, ready).trigger
        client, cluster = emr.client(REGION), ready["ti"].xcoms["create_cluster"]
        until(lambda: emr.steps_named(client, cluster, f"claylake publish {plan.run.run_id}")[0].started)
        said = {"step": "publish", "message": "AuditError: 3 rows", "is_final": True, "written": datetime.now(UTC)}
        StepFailure(**said | failure).save(plan)
        (tmp_path / "go").touch()
        with pytest.raises(AirflowException) as raised:
            operator.resume(ready, event=fire(trigger))
        return raised.value

    def test_the_jobs_own_reason_comes_first_and_a_final_one_is_not_tried_again(self, plan, ready, command, tmp_path):
        error = self.failed(plan, ready, command, tmp_path, details=("node a: 1 MB free",))
        assert isinstance(error, AirflowFailException)
        first, details, words, *_, last = str(error).splitlines()
        assert re.fullmatch(r"step publish \(s-\w+ of j-\w+\): FAILED: AuditError: 3 rows", first)
        assert details == "node a: 1 MB free"
        assert words.startswith("EMR's words: FAILED: ")
        assert last.startswith("What to do: remove the cause")
        assert ready["ti"].pushed[REASON] == first

    @pytest.mark.parametrize(
        "other", [{"is_final": False}, {"step": "embed"}, {"written": datetime(2024, 1, 1, tzinfo=UTC)}]
    )
    def test_what_another_attempt_may_mend_is_tried_again(self, plan, ready, command, tmp_path, other):
        """Also a step that left nothing, because its node was lost: the reason of an earlier attempt is not its own."""
        error = self.failed(plan, ready, command, tmp_path, **other)
        assert not isinstance(error, AirflowFailException)
        assert ("AuditError" in str(error)) is (other == {"is_final": False})

    def test_what_keeps_the_log_from_being_read_never_comes_first(self, aws, ready, command):
        command("echo boom >&2; exit 3")
        event = fire(deferred(step(), ready).trigger)
        aws.fault(reject_call="DescribeCluster", code="ValidationException", times=99)
        with pytest.raises(AirflowException) as raised:
            StepOperator(task_id="extract", step="extract", log_wait_s=300).resume(ready, event=event)
        first, second, *rest = str(raised.value).splitlines()
        assert re.match(r"step extract \(s-\w+ of j-\w+\): FAILED: Unknown Error.: boom", first)
        assert second.startswith("EMR does not say where the log is (")
        assert rest[0] == "boom"

    def test_a_step_that_cannot_be_cancelled_still_fails_of_its_own_reason(self, aws, ready, command):
        command(ENDLESS)
        operator = StepOperator(task_id="extract", step="extract", log_wait_s=0)
        trigger = deferred(operator, ready).trigger
        trigger.deadline = time.time()
        event = fire(trigger)
        aws.fault(reject_call="CancelSteps", code="InvalidRequestException", times=99)
        with pytest.raises(AirflowException) as raised:
            operator.resume(ready, event=event)
        first, second, *_ = str(raised.value).splitlines()
        assert first.endswith("the deadline has passed")
        assert second.startswith("the step could not be cancelled, and may still run (")
        operator.on_kill()

    def test_killing_the_waiting_task_cancels_the_step(self, ready, command):
        command(ENDLESS)
        operator = step()
        trigger = deferred(operator, ready).trigger
        operator.on_kill()
        event = fire(trigger)
        assert event["status"] == "failed"
        assert event["why"].startswith("CANCELLED")

    def test_a_step_that_outlives_its_time_is_cancelled(self, ready, command):
        command(ENDLESS)
        trigger = deferred(step(), ready).trigger
        trigger.deadline = time.time()
        event = fire(trigger)
        assert event["status"] == "timeout"
        with pytest.raises(AirflowException, match="the deadline has passed"):
            StepOperator(task_id="extract", step="extract", log_wait_s=0).resume(ready, event=event)
        trigger.deadline = time.time() + 300
        assert fire(trigger)["why"].startswith("CANCELLED")

    def test_killed_before_it_has_a_step_it_does_nothing(self):
        step().on_kill()

    def test_an_ended_cluster_is_not_retried(self, plan, ready, command):
        command("true")
        terminate(plan, create_cluster=ready["ti"].xcoms["create_cluster"])
        with pytest.raises(AirflowFailException, match=r"is TERMINATED .*clear this task"):
            step().execute(ready)


class TestPublish:
    REPORT = PublishReport(
        seconds=1,
        tables=(),
        audits={},
        failed_frac=0,
        rows_added=5,
        month_chips=7,
        month_vectors=6,
        area_km2=1,
        report=None,
        message="published",
    )

    def publish(self, plan, given, **report):
        self.REPORT.model_copy(update=report).save(plan)
        operator = PublishOperator(task_id="publish", alias="claylake__lisbon")
        given["outlet_events"] = Events()
        run(operator, given)
        return given["outlet_events"]

    def test_added_rows_are_announced_with_aoi_and_months(self, plan, ready, command):
        command("true")
        events = self.publish(plan, ready, report=plan.uri("report/index.html"))
        [(alias, asset, extra)] = events
        assert alias.name == "claylake__lisbon"
        assert asset == month_asset("lisbon")
        assert (extra["aoi"], extra["months"], extra["rows_added"]) == ("lisbon", ["2024-07"], 5)
        assert ready["ti"].pushed["_link_ReportLink"].endswith("/report/index.html")

    def test_nothing_added_is_nothing_announced(self, plan, ready, command):
        command("true")
        assert self.publish(plan, ready, rows_added=0) == []

    def test_a_step_without_a_report_is_a_failure(self, ready, command):
        command("true")
        with pytest.raises(AirflowException, match=r"left no publish\.json"):
            run(PublishOperator(task_id="publish", alias="a"), ready)

    @pytest.fixture
    def steps(self, monkeypatch):
        """Steps that do nothing, but that each publishing leaves the next of these reports; gives their names."""

        def use(*embed_again):
            names, reports = [], iter(embed_again)

            def config(plan, name):
                names.append(name)
                if name == "publish":
                    self.REPORT.model_copy(update={"embed_again": next(reports)}).save(plan)
                arguments = {"Jar": "command-runner.jar", "Args": ["true"]}
                return {"Name": f"claylake {name}", "ActionOnFailure": "CONTINUE", "HadoopJarStep": arguments}

            monkeypatch.setattr(job_flow, "step", config)
            return names

        return use

    def test_chips_that_others_have_published_are_embedded_in_the_same_task(self, ready, steps):
        made = steps(3, 1, 0)
        ready["outlet_events"] = Events()
        run(PublishOperator(task_id="publish", alias="claylake__lisbon"), ready)
        assert made == ["publish", "embed", "publish", "embed", "publish"]
        assert len(ready["outlet_events"]) == 1

    def test_it_does_not_embed_for_ever(self, ready, steps):
        made = steps(*range(9, 0, -1))
        with pytest.raises(AirflowException, match="embedded again 3 times"):
            run(PublishOperator(task_id="publish", alias="claylake__lisbon"), ready)
        assert made == [*["publish", "embed"] * 3, "publish"]

    def test_gpu_nodes_come_back_for_it_and_leave(self, aws, steps, monkeypatch):
        plan = make_plan(aws, run_id="run-publish-split", layout="split", gpu_count=2)
        given = context(plan, create_cluster=create(plan))
        run(WaitClusterReadyOperator(task_id="wait_ready"), given)
        made, units = steps(1, 0), []
        real = StepOperator.run_step

        def noting(operator, context, name, then, **more):
            found = fleet.task_fleet(emr.client(REGION), given["ti"].xcoms["create_cluster"])
            units.append((name, found.wanted if found else 0, found.running if found else 0))
            real(operator, context, name, then, **more)

        monkeypatch.setattr(StepOperator, "run_step", noting)
        given["outlet_events"] = Events()
        run(PublishOperator(task_id="publish", alias="claylake__lisbon"), given)
        assert made == ["publish", "embed", "publish"]
        assert units[:2] == [("publish", 0, 0), ("embed", 2, 2)]
        assert units[2][:2] == ("publish", 0)


class TestReceipt:
    def note(self, given):
        ReceiptOperator(task_id="receipt").execute(given)
        return given["ti"].pushed["note"]

    def test_a_run_refused_in_plan_says_why_on_the_run(self, plan):
        given = context(plan)
        given["ti"].xcoms = {("plan", REASON): "unknown AOI 'lisbn'; use one of lisbon"}
        note = self.note(given)
        assert note.startswith("**plan: unknown AOI 'lisbn'; use one of lisbon**  \n")
        assert "nothing was done or spent" in note

    def test_a_run_over_its_budget_says_so_beside_the_estimate(self, plan):
        given = context(plan)
        given["ti"].xcoms["gate", REASON] = "over the budget"
        first, *rest = self.note(given).splitlines()
        assert first.rstrip() == "**gate: over the budget**"
        assert any("No cluster, no cost" in line for line in rest)

    def test_a_run_that_was_not_refused_begins_with_its_outcome(self, plan):
        assert self.note(context(plan)).startswith("**lisbon 2024-07: ")


class Events(list):
    """Outlet events: what was added to which alias."""

    def __getitem__(self, alias):
        class Accessor:
            @staticmethod
            def add(asset, extra):
                self.append((alias, asset, extra))

        return Accessor


class TestTerminate:
    def test_it_ends_the_cluster_and_waits_for_the_end(self, plan):
        created = create(plan)
        assert terminate(plan, create_cluster=created) == [created]
        assert emr.describe(emr.client(REGION), created).state in emr.ENDED

    def test_again_does_no_harm(self, plan):
        created = create(plan)
        terminate(plan, create_cluster=created)
        assert terminate(plan, create_cluster=created) == [created]

    def test_a_cluster_whose_id_was_lost_is_found_by_its_tags(self, plan):
        created = create(plan)
        assert terminate(plan) == [created]

    def test_another_runs_cluster_stays(self, aws, plan):
        other = create(make_plan(aws, run_id="other", aoi="porto", dag_id="claylake__porto"))
        assert terminate(plan) == []
        assert live() == [other]

    def test_the_known_cluster_is_ended_whatever_a_listing_says(self, aws, plan):
        created = create(plan)
        aws.fault(reject_call="ListClusters", code="ValidationException", times=99)
        assert terminate(plan, create_cluster=created) == [created]

    def test_without_an_id_a_listing_that_fails_is_an_error(self, aws, plan):
        aws.fault(reject_call="ListClusters", code="ValidationException", times=99)
        with pytest.raises(ClientError):
            terminate(plan)

    def test_it_needs_no_plan(self, plan):
        created = create(plan)
        given = context(plan, create_cluster=created)
        given["ti"].xcoms["plan"] = plan.uri(PLAN) + ".gone"
        assert run(TerminateClusterOperator(task_id="terminate"), given) == [created]

    def test_a_kept_cluster_lives_on_for_a_while(self, aws):
        plan = make_plan(aws, run_id="kept", keep_cluster_minutes=5)
        given = context(plan, create_cluster=create(plan))
        operator = TerminateClusterOperator(task_id="terminate")
        before = time.time()
        pause = deferred(operator, given)
        assert isinstance(pause.trigger, EndedTrigger)
        assert before <= pause.trigger.deadline - 300 <= time.time()
        assert len(live()) == 1
        pause.trigger.deadline = time.time()
        event = fire(pause.trigger)
        assert event["status"] == "timeout"
        with pytest.raises(TaskDeferred):
            operator.end(given, event=event)
        assert live() == []

    def test_a_cluster_that_does_not_end_fails_the_task(self, plan):
        event = {"status": "timeout", "region": REGION, "cluster_ids": ["j-1"]}
        with pytest.raises(AirflowException, match="j-1 may still be running and cost money: timeout"):
            TerminateClusterOperator(task_id="t").resume(context(plan), event=event)
