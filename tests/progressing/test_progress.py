"""How an experiment stands: the runner's word first, then what its Job says, and never Pass without data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.experiments.progressing import Progress, Remedy, progress
from autox.core.experiments.runfacts import RunnerFacts, WorkloadFacts, WorkloadKind
from autox.model.experiments import ExperimentRecord
from autox.model.verdict import Phase, Verdict
from tests.deciding import samples

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
WAITING = {"waiting_reason": "Unschedulable", "waiting_message": "0/1 nodes are available"}
FAILED = {"failure_reason": "DeadlineExceeded", "failure_message": "Job was active longer than its deadline"}
SILENT = RunnerFacts()
STARTED = RunnerFacts(started_at=NOW)


def ago(seconds: float) -> datetime:
    """So long before now."""
    return NOW - timedelta(seconds=seconds)


def record(phase: Phase = Phase.RUNNING, **fields: Any) -> ExperimentRecord:
    """An experiment that was launched a minute ago."""
    given_: dict[str, Any] = {"name": "web-http-1", "created_at": ago(60), "launched_at": ago(60)}
    return samples.record(phase, **(given_ | fields))


def job(**fields: Any) -> WorkloadFacts:
    """A Job that began half a minute ago."""
    given_: dict[str, Any] = {"kind": WorkloadKind.JOB, "started_at": ago(30)}
    return WorkloadFacts(**(given_ | fields))


def cron_job(**fields: Any) -> WorkloadFacts:
    """A CronJob, of which no Job is there unless told otherwise."""
    return WorkloadFacts(kind=WorkloadKind.CRON_JOB, **fields)


NOTHING = WorkloadFacts(kind=WorkloadKind.NONE)


def ended(verdict: Verdict, **fields: Any) -> RunnerFacts:
    """A runner that has told a verdict."""
    told = RunnerFacts(verdict=verdict, reason="Why", message="because", told_at=ago(1), started_at=ago(29))
    return replace(told, **fields)


def said(told: Progress) -> tuple[Phase, str, Verdict | None]:
    """The three that matter most."""
    return told.phase, told.reason, told.verdict


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize(
    "workload", [job(active=1), job(succeeded=1, ended_at=NOW), job(**FAILED, ended_at=NOW), NOTHING]
)
def test_the_runners_verdict_stands(verdict: Verdict, workload: WorkloadFacts) -> None:
    """Once the runner has told a verdict it is the experiment's, whatever becomes of its Job."""
    told = progress(record(), ended(verdict), workload, NOW)

    assert said(told) == (Phase.COMPLETED, "Why", None)
    assert told.message == "because"


def test_a_verdict_without_a_reason_has_one() -> None:
    """A condition always has a reason, as the API server demands."""
    told = progress(record(), ended(Verdict.PASS, reason="", message=""), job(succeeded=1), NOW)

    assert (told.reason, told.message) == ("Pass", "the verdict is Pass")


@pytest.mark.parametrize(
    ("workload", "reason"),
    [
        (job(active=1), "Running"),
        (job(active=1, has_begun=False), "Starting"),
        (job(has_begun=False), "Starting"),
        (job(), "Running"),
    ],
)
def test_a_job_at_work(workload: WorkloadFacts, reason: str) -> None:
    """While the Job runs there is no verdict."""
    assert said(progress(record(), SILENT, workload, NOW)) == (Phase.RUNNING, reason, None)


def test_a_job_whose_pod_does_not_start() -> None:
    """It is said what the pod waits for, since that is what somebody has to mend."""
    told = progress(record(), SILENT, job(active=1, **WAITING), NOW)

    assert said(told) == (Phase.RUNNING, "PodWaiting", None)
    assert "Unschedulable: 0/1 nodes are available" in told.message


def test_a_job_that_failed_is_an_error_with_the_jobs_reason() -> None:
    """A runner that crashed, was killed or never started gives Error, and says why."""
    told = progress(record(), STARTED, job(**FAILED, ended_at=ago(10)), NOW)

    assert said(told) == (Phase.COMPLETED, "DeadlineExceeded", Verdict.ERROR)
    assert "longer than its deadline" in told.message


def test_a_job_that_succeeded_without_a_result_is_no_pass() -> None:
    """Exit code 0 is no data: a foreign chart's Job never passes by ending well."""
    told = progress(record(), SILENT, job(succeeded=1, ended_at=ago(10)), NOW)

    assert said(told) == (Phase.COMPLETED, "NoResult", Verdict.ERROR)


@pytest.mark.parametrize("facts", [{"succeeded": 1}, FAILED])
def test_a_result_may_be_seen_after_the_end_of_its_job(facts: dict[str, Any]) -> None:
    """No false Error in the moment between the Job's end and the sight of its result."""
    told = progress(record(), STARTED, job(**facts, ended_at=ago(1)), NOW)

    assert said(told) == (Phase.RUNNING, "ResultAwaited", None)
    assert told.look_again == 4.0


def test_a_job_that_is_tried_again_has_not_ended() -> None:
    """A pod that failed is not yet a Job that failed, and one pod that succeeded is not all of them."""
    assert said(progress(record(), SILENT, job(active=1, succeeded=1), NOW)) == (Phase.RUNNING, "Running", None)


@pytest.mark.parametrize(
    ("runner", "reason"), [(STARTED, ""), (SILENT, "Running"), (SILENT, "PodWaiting"), (SILENT, "Scheduled")]
)
def test_a_workload_that_vanished_is_an_error(runner: RunnerFacts, reason: str) -> None:
    """Somebody deleted the Job: the experiment will never end by itself, so it ends now, and says so."""
    told = progress(record(reason=reason), runner, NOTHING, NOW)

    assert said(told) == (Phase.COMPLETED, "WorkloadVanished", Verdict.ERROR)


def test_a_release_that_runs_nothing_has_no_data() -> None:
    """With runner none, or a chart without a Job, there is nothing to wait for and nothing was tested."""
    told = progress(record(), SILENT, NOTHING, NOW)

    assert said(told) == (Phase.COMPLETED, "NoWorkload", Verdict.NO_DATA)


def test_a_job_may_be_seen_a_while_after_its_release() -> None:
    """Right after the launch nobody concludes that there is no Job."""
    told = progress(record(launched_at=ago(10), reason="NewVersion"), SILENT, NOTHING, NOW)

    assert said(told) == (Phase.RUNNING, "WorkloadAwaited", None)
    assert told.look_again == 20.0


def test_a_job_that_comes_late_counts_after_all() -> None:
    """What was concluded for want of a Job is taken back when there is one."""
    late = record(Phase.COMPLETED, reason="NoWorkload", verdict=Verdict.NO_DATA)

    assert said(progress(late, SILENT, job(active=1), NOW)) == (Phase.RUNNING, "Running", None)


def test_the_reason_outlives_the_job() -> None:
    """A failed Job that was cleaned up later does not take the reason of its Error with it."""
    failed = record(Phase.COMPLETED, reason="DeadlineExceeded", message="too slow", verdict=Verdict.ERROR)

    told = progress(failed, STARTED, NOTHING, NOW)

    assert (said(told), told.message) == ((Phase.COMPLETED, "DeadlineExceeded", Verdict.ERROR), "too slow")


def test_a_cron_job_waits_for_its_schedule() -> None:
    """Before its first loop a multi-loop experiment has no verdict."""
    assert said(progress(record(), SILENT, cron_job(), NOW)) == (Phase.RUNNING, "Scheduled", None)


@pytest.mark.parametrize("verdict", Verdict)
def test_a_cron_job_runs_for_ever_with_its_latest_verdict(verdict: Verdict) -> None:
    """A multi-loop experiment never completes; its reason is that of the latest loop."""
    for workload in (cron_job(started_at=ago(30), succeeded=1, ended_at=NOW), cron_job()):
        assert said(progress(record(), ended(verdict), workload, NOW)) == (Phase.RUNNING, "Why", None)


def test_a_loop_under_way_is_told() -> None:
    """While a later loop runs, that is said; the verdict of the one before stands until then."""
    before = ended(Verdict.PASS, told_at=ago(60))

    assert said(progress(record(), before, cron_job(started_at=ago(30), active=1), NOW)) == (
        Phase.RUNNING,
        "Running",
        None,
    )
    assert progress(record(), before, cron_job(started_at=ago(30), active=1, **WAITING), NOW).reason == "PodWaiting"


def test_a_loop_that_failed_ends_the_pass_of_the_one_before() -> None:
    """A runner that crashes in its second loop does not live on the verdict of its first."""
    before = ended(Verdict.PASS, told_at=ago(60))

    told = progress(record(), before, cron_job(started_at=ago(30), ended_at=ago(20), **FAILED), NOW)

    assert said(told) == (Phase.RUNNING, "DeadlineExceeded", Verdict.ERROR)


@pytest.mark.parametrize(
    "other",
    [
        record(Phase.PENDING, launched_at=None, reason="LaunchFailed", message="m"),
        record(Phase.COMPLETED, launched_at=None, reason="ChartInvalid", message="m", verdict=Verdict.ERROR),
        record(Phase.DELETING, reason="NewVersion", message="m"),
        record(Phase.DELETED, reason="OptedOut", message="m"),
    ],
)
def test_what_is_not_there_stands_as_it_stood(other: ExperimentRecord) -> None:
    """An experiment that was never launched, or was deleted, keeps its reason whatever workload has its name."""
    told = progress(other, SILENT, NOTHING, NOW)

    assert (*said(told), told.message) == (other.phase, other.reason, other.verdict, other.message)
    assert progress(other, ended(Verdict.PASS), NOTHING, NOW).verdict is None


@given(
    seen=st.builds(
        record,
        st.sampled_from(Phase),
        reason=st.sampled_from(["", "NewVersion", "Running", "NoResult"]),
        verdict=st.sampled_from([None, Verdict.ERROR, Verdict.NO_DATA]),
        launched_at=st.sampled_from([None, NOW, ago(60)]),
    ),
    workload=st.builds(
        WorkloadFacts,
        kind=st.sampled_from(WorkloadKind),
        active=st.integers(0, 1),
        succeeded=st.integers(0, 1),
        failure_reason=st.sampled_from(["", "OOMKilled"]),
        waiting_reason=st.sampled_from(["", "ErrImagePull"]),
        started_at=st.sampled_from([None, NOW, ago(30)]),
        ended_at=st.sampled_from([None, NOW, ago(10)]),
    ),
    started=st.sampled_from([None, NOW]),
)
def test_no_workload_passes(seen: ExperimentRecord, workload: WorkloadFacts, started: datetime | None) -> None:
    """However a Job looks, without the runner's word there is no verdict, or Error or NoData."""
    told = progress(seen, RunnerFacts(started_at=started), workload, NOW)

    assert told.verdict in (None, Verdict.ERROR, Verdict.NO_DATA)
    assert told.look_again is None or told.look_again > 0
    if told.phase is not seen.phase:
        assert told.reason
        assert told.message


INTERRUPTED = ended(Verdict.ERROR, reason="Interrupted", message="interrupted 3 s into task http")


def test_an_interrupted_runner_and_who_interrupted_it() -> None:
    """A runner that was told to end does not know why; the record adds what its pod says of it."""
    evicted = job(active=1, disruption="Evicted: usage exceeds the limit")
    told = progress(record(), INTERRUPTED, evicted, NOW)

    assert said(told) == (Phase.COMPLETED, "Interrupted", None)
    assert told.message == "interrupted 3 s into task http: Evicted: usage exceeds the limit"


def test_an_interrupted_runner_is_given_a_moment() -> None:
    """The pod says who interrupted it a little later than the runner says its last word; then nobody is waited for."""
    soon = progress(record(), INTERRUPTED, job(active=1), NOW)
    late = progress(record(), replace(INTERRUPTED, told_at=ago(11)), job(active=1), NOW)
    over = progress(record(), INTERRUPTED, job(failure_reason="BackoffLimitExceeded", ended_at=ago(0)), NOW)

    assert (soon.phase, soon.look_again) == (Phase.RUNNING, 1.0)
    for one in (late, over):
        assert said(one) == (Phase.COMPLETED, "Interrupted", None)
        assert one.message == "interrupted 3 s into task http"


def test_an_interrupted_runner_whose_time_was_over() -> None:
    """A Job's deadline interrupts its runner; the record names the deadline."""
    told = progress(record(), INTERRUPTED, job(**FAILED, ended_at=ago(0)), NOW)

    assert "DeadlineExceeded" in told.message


def test_who_interrupted_a_runner_is_kept() -> None:
    """The pod goes, and with it who took it from its node; the record keeps the sentence."""
    kept = record(Phase.COMPLETED, reason="Interrupted", message="interrupted: Evicted")

    assert progress(kept, INTERRUPTED, job(), NOW).message == "interrupted: Evicted"


def unstarted(seconds: float = 30, **fields: Any) -> WorkloadFacts:
    """A Job that should have begun so long ago, and has not."""
    return job(has_begun=False, since=ago(seconds), **fields)


@pytest.mark.parametrize("of", [job, cron_job])
@pytest.mark.parametrize("why", [{}, WAITING, {"waiting_reason": "FailedCreate", "waiting_message": "exceeded quota"}])
def test_a_run_that_cannot_start_is_ended(of: Any, why: dict[str, Any]) -> None:
    """A Job without a pod waited for its deadline of an hour; it is ended in time, with what kept it from starting."""
    facts = of(has_begun=False, since=ago(301), started_at=ago(301), **why)
    told = progress(record(), SILENT, facts, NOW)
    phase = Phase.COMPLETED if of is job else Phase.RUNNING

    assert (*said(told), told.remedy) == (phase, "StartTimeout", Verdict.ERROR, Remedy.STOP)
    assert "within 300 s" in told.message
    assert why.get("waiting_message", "nobody says why") in told.message


def test_a_run_may_take_its_time_to_start() -> None:
    """Nothing is ended before its time, or after it began, and it is looked at in time."""
    soon = progress(record(), SILENT, unstarted(298.5, **WAITING), NOW)
    begun = progress(record(), SILENT, job(active=1, since=ago(900)), NOW)
    longer = progress(record(), SILENT, unstarted(301, start_timeout=timedelta(hours=1)), NOW)

    assert (soon.reason, soon.remedy, soon.look_again) == ("PodWaiting", None, 1.5)
    assert (begun.reason, begun.remedy) == ("Running", None)
    assert (longer.reason, longer.remedy) == ("Starting", None)


def test_a_pod_that_no_scheduler_takes_up_is_given_a_moment() -> None:
    """A scheduler takes milliseconds; only one that is not there takes ten seconds."""
    facts = {"waiting_reason": "NotScheduled", "waiting_message": "no scheduler"}

    assert progress(record(), SILENT, unstarted(5, active=1, **facts), NOW).reason == "Starting"
    assert progress(record(), SILENT, unstarted(10, active=1, **facts), NOW).reason == "PodWaiting"


def test_a_job_that_we_ended_says_why_itself() -> None:
    """A controller that was killed after it ended a Job, and before it said so, says the same when it comes back."""
    ended_ = job(stopped_reason="StartTimeout", stopped_message="no pod", **FAILED, ended_at=NOW)

    assert said(progress(record(), SILENT, ended_, NOW)) == (Phase.COMPLETED, "StartTimeout", Verdict.ERROR)


def test_a_deadline_names_what_the_pod_waited_for() -> None:
    """A deadline that came before startTimeout told only that it was a deadline."""
    before = record(reason="PodWaiting", message="the pod does not start: FailedCreate: exceeded quota")
    told = progress(before, SILENT, job(has_begun=False, **FAILED, ended_at=NOW), NOW)

    assert said(told) == (Phase.COMPLETED, "DeadlineExceeded", Verdict.ERROR)
    assert "exceeded quota" in told.message


def test_a_run_whose_pod_was_taken_away_had_begun() -> None:
    """For a moment its Job looks as if it had never had a pod; the verdict was that nothing of it ran in time."""
    running = record(reason="Running")
    bare = {"has_begun": False, "since": ago(900)}

    assert said(progress(running, SILENT, job(**bare), NOW)) == (Phase.RUNNING, "Running", None)
    assert progress(running, SILENT, job(**bare, **WAITING), NOW).reason == "StartTimeout"
    assert progress(record(reason="Starting"), SILENT, job(**bare), NOW).reason == "StartTimeout"


def test_what_kept_the_pods_of_a_job_that_gave_up_is_told() -> None:
    """Kubernetes deletes pods that crash again and again, and says no more than that it has given up."""
    before = record(reason="PodWaiting", message="CrashLoopBackOff: exit code 3")
    facts = job(failure_reason="BackoffLimitExceeded", failure_message="Job has reached the limit", ended_at=ago(9))

    assert "Job has reached the limit; CrashLoopBackOff: exit code 3" in progress(before, SILENT, facts, NOW).message


LOST: dict[str, Any] = {"node": "n1", "disruption": "DeletionByTaintManager: Taint manager: deleting", "active": 0}


@pytest.mark.parametrize(
    "facts",
    [
        {"is_silent": True, "due": NOW + timedelta(minutes=5)},
        {"due": ago(20)},
        {"due": ago(20), "disruption": "", "failure_message": "DeadlineExceeded: Job was active longer"},
    ],
    ids=["given up by the control plane", "not ended when it should have", "its time was over"],
)
def test_a_pod_on_a_lost_node_is_given_up(facts: dict[str, Any]) -> None:
    """Its Job never says that it failed: there was no verdict for ever, and a CronJob never looped again, silently."""
    once = progress(record(), STARTED, job(**LOST | facts), NOW)
    loop = progress(record(), STARTED, cron_job(started_at=ago(300), **LOST | facts), NOW)

    assert (*said(once), once.remedy) == (Phase.COMPLETED, "NodeLost", Verdict.ERROR, None)
    assert (*said(loop), loop.remedy) == (Phase.RUNNING, "NodeLost", Verdict.ERROR, Remedy.REMOVE)
    assert "node n1" in once.message
    assert (LOST | facts)["disruption"] in once.message


def test_a_node_that_does_not_answer_is_told_and_waited_for() -> None:
    """It may come back, and its runner with it; a pod that is being ended in time is none of these."""
    silent = progress(record(), STARTED, job(active=1, node="n1", is_silent=True), NOW)
    ending = progress(record(), STARTED, job(active=1, node="n1", due=NOW + timedelta(seconds=30)), NOW)

    assert said(silent) == (Phase.RUNNING, "NodeNotReady", None)
    assert said(ending) == (Phase.RUNNING, "Running", None)
    assert progress(record(), ended(Verdict.PASS), job(**LOST, due=ago(20)), NOW).reason == "Why"


@pytest.mark.parametrize("older", [{}, {"started_at": ago(600), "succeeded": 1, "ended_at": ago(590)}])
def test_the_verdict_of_a_loop_outlasts_its_job(older: dict[str, Any]) -> None:
    """The Job of a lost loop is deleted, and the one before it, if any, is not asked again."""
    lost = record(reason="NodeLost", message="gone", verdict=Verdict.ERROR)
    runner = RunnerFacts(told_at=ago(590), started_at=ago(600)) if older else SILENT

    told = progress(lost, runner, cron_job(**older), NOW)
    assert (*said(told), told.message) == (Phase.RUNNING, "NodeLost", Verdict.ERROR, "gone")


def test_a_cron_job_that_makes_no_job() -> None:
    """A quota of Jobs, or a webhook, kept a CronJob from looping and its last Pass stood for ever."""
    facts: dict[str, Any] = {"held_reason": "FailedCreate", "held_message": "exceeded quota", "active": 0}
    before = ended(Verdict.PASS, told_at=ago(60))
    soon = progress(record(), before, cron_job(**facts, held_since=ago(10)), NOW)
    late = progress(record(), before, cron_job(**facts, held_since=ago(301)), NOW)
    suspended = progress(record(), before, cron_job(held_reason="Suspended", held_message="x"), NOW)

    assert (*said(soon), soon.look_again) == (Phase.RUNNING, "NoLoop", None, 290.0)
    assert said(late) == (Phase.RUNNING, "NoLoop", Verdict.ERROR)
    assert said(suspended) == (Phase.RUNNING, "NoLoop", None)


def test_the_next_loop_is_looked_for_when_it_may_come() -> None:
    """A loop that cannot start is told within seconds, not at the next look of thirty."""
    at = NOW.replace(second=50)

    assert progress(record(), SILENT, cron_job(), at).look_again == 12.0
    assert progress(record(), ended(Verdict.PASS), cron_job(), at).look_again == 12.0
