"""How an experiment stands, from what its runner said and from what its Job or CronJob looks like.

The runner's word comes first. Only where it said nothing does the workload speak, and it can say no more than that
there is no verdict yet, or ``Error`` or ``NoData`` with the reason: no Job, however it ended, is a Pass without data.

Everything is derived anew from the facts each time, so it does not matter which of them was seen first. What outlasts
its facts is kept by the record: why an experiment ended whose Job has been cleaned up since, and that there once was a
workload where there is none now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from autox.core import wording
from autox.core.wording import Notice
from autox.model.experiments import ExperimentRecord
from autox.model.verdict import Phase, Verdict

DEADLINE = "DeadlineExceeded"  # the reason of a Job that was ended because its time was over
WORKLOAD_GRACE = timedelta(seconds=30)  # from the launch until a Job that was not seen does not exist
DISRUPTION_GRACE = timedelta(seconds=10)  # from a runner's last word until nobody says who interrupted it
RESULT_GRACE = timedelta(seconds=5)  # from the end of a Job until a result that was not seen does not exist


class WorkloadKind(StrEnum):
    """What a release runs."""

    JOB = "Job"
    CRON_JOB = "CronJob"
    NONE = "None"  # neither was found


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFacts:
    """What the Job looks like; of a CronJob, its latest Job.

    Attributes:
        kind: what there is.
        active: how many pods run or wait.
        succeeded: how many pods ended well.
        failure_reason: why the Job failed for good; empty if it has not.
        failure_message: the same for people.
        waiting_reason: why a pod does not start: ``Unschedulable``, ``ErrImagePull``; empty if it does.
        waiting_message: the same for people.
        disruption: why a pod was taken from its node, evicted for one, in words; empty if none was.
        started_at: when the Job began; None if there is none.
        ended_at: when it ended, well or not; None while it has not.
    """

    kind: WorkloadKind
    active: int = 0
    succeeded: int = 0
    failure_reason: str = ""
    failure_message: str = ""
    waiting_reason: str = ""
    waiting_message: str = ""
    disruption: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerFacts:
    """What the runner wrote into the record.

    Attributes:
        verdict: of its latest loop; None if none has ended. One that the controller gave is not the runner's.
        reason: of the verdict, CamelCase.
        message: the same for people.
        started_at: when the latest loop began; None if none has.
        told_at: when the API server took what the latest loop ended with, by its own clock, which it shares with the
            workload's; None while a loop is under way, or where none has ended.
    """

    verdict: Verdict | None = None
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How an experiment stands.

    Attributes:
        phase: where it is in its life.
        reason: CamelCase.
        message: the same for people.
        verdict: for the controller to give; None where the runner gave one, or where there is none yet.
        look_again: seconds after which it may stand differently though nothing happens; None if it cannot.
    """

    phase: Phase
    reason: str
    message: str
    verdict: Verdict | None = None
    look_again: float | None = None


def progress(record: ExperimentRecord, runner: RunnerFacts, workload: WorkloadFacts, now: datetime) -> Progress:
    """Conclude how an experiment stands.

    Args:
        record: as it was read.
        runner: what the runner wrote into it.
        workload: read before the record was, or a result might be missed that came in between.
        now: the moment.
    """
    if record.phase in (Phase.DELETING, Phase.DELETED) or record.launched_at is None:
        return _as_it_stood(record, runner)
    match workload.kind:
        case WorkloadKind.JOB:
            return _of_job(record, runner, workload, now)
        case WorkloadKind.CRON_JOB:
            return _of_cron_job(record, runner, workload, now)
        case WorkloadKind.NONE:
            return _of_nothing(record, record.launched_at, runner, now)


def _of_job(record: ExperimentRecord, runner: RunnerFacts, job: WorkloadFacts, now: datetime) -> Progress:
    if runner.verdict is None:
        return _without_result(record, job, now, ended=Phase.COMPLETED) or _at_work(record, job)
    if runner.reason == wording.INTERRUPTED:
        return _of_interrupted(record, runner, runner.verdict, job, now)
    return _progress(Phase.COMPLETED, wording.judged(runner.verdict, runner.reason, runner.message))


def _of_interrupted(
    record: ExperimentRecord, runner: RunnerFacts, verdict: Verdict, job: WorkloadFacts, now: datetime
) -> Progress:
    """A runner that was told to end does not know why; its pod does, while it is there."""
    if record.phase is Phase.COMPLETED:
        return _as_it_stood(record, runner)
    by_whom = job.disruption
    if not by_whom and job.failure_reason == DEADLINE:
        by_whom = f"{job.failure_reason}: {job.failure_message}"
    if by_whom:
        return _progress(Phase.COMPLETED, wording.interrupted(verdict, runner.message, by_whom))
    rest = timedelta(0) if runner.told_at is None or job.ended_at else runner.told_at + DISRUPTION_GRACE - now
    if rest > timedelta(0):
        return _progress(Phase.RUNNING, wording.result_awaited(record.name), look_again=timedelta(seconds=1))
    return _progress(Phase.COMPLETED, wording.judged(verdict, runner.reason, runner.message))


def _of_cron_job(record: ExperimentRecord, runner: RunnerFacts, job: WorkloadFacts, now: datetime) -> Progress:
    # NB: never by the runner's own clock: that of a node that is seconds behind would make each loop one that crashed.
    has_told = runner.told_at is not None and (job.started_at is None or runner.told_at >= job.started_at)
    if has_told and runner.verdict is not None:
        return _progress(Phase.RUNNING, wording.judged(runner.verdict, runner.reason, runner.message))
    if job.started_at is None:
        return _progress(Phase.RUNNING, wording.scheduled(record.name))
    return _without_result(record, job, now, ended=Phase.RUNNING) or _at_work(record, job)


def _of_nothing(record: ExperimentRecord, launched_at: datetime, runner: RunnerFacts, now: datetime) -> Progress:
    if runner.verdict is not None:
        return _progress(Phase.COMPLETED, wording.judged(runner.verdict, runner.reason, runner.message))
    if record.phase is Phase.COMPLETED:
        return _as_it_stood(record, runner)
    if runner.started_at is not None or record.reason in wording.WITH_WORKLOAD:
        return _progress(Phase.COMPLETED, wording.workload_vanished(record.name), Verdict.ERROR)
    rest = launched_at + WORKLOAD_GRACE - now
    if rest > timedelta(0):
        return _progress(Phase.RUNNING, wording.workload_awaited(record.name), look_again=rest)
    return _progress(Phase.COMPLETED, wording.no_workload(record.name), Verdict.NO_DATA)


def _without_result(record: ExperimentRecord, job: WorkloadFacts, now: datetime, *, ended: Phase) -> Progress | None:
    """A Job that ended and left no verdict; None while it has not ended."""
    if not job.failure_reason and (not job.succeeded or job.active):
        return None
    rest = timedelta(0) if job.ended_at is None else job.ended_at + RESULT_GRACE - now
    if rest > timedelta(0):
        return _progress(Phase.RUNNING, wording.result_awaited(record.name), look_again=rest)
    if job.failure_reason:
        notice = wording.job_failed(record.name, job.failure_reason, job.failure_message)
    else:
        notice = wording.no_result(record.name)
    return _progress(ended, notice, Verdict.ERROR)


def _at_work(record: ExperimentRecord, job: WorkloadFacts) -> Progress:
    if job.waiting_reason:
        return _progress(Phase.RUNNING, wording.pod_waiting(record.name, job.waiting_reason, job.waiting_message))
    return _progress(Phase.RUNNING, wording.running(record.name, is_active=job.active > 0))


def _as_it_stood(record: ExperimentRecord, runner: RunnerFacts) -> Progress:
    given = record.verdict if runner.verdict is None else None
    return Progress(phase=record.phase, reason=record.reason, message=record.message, verdict=given)


def _progress(
    phase: Phase, notice: Notice, verdict: Verdict | None = None, *, look_again: timedelta | None = None
) -> Progress:
    seconds = None if look_again is None else look_again.total_seconds()
    return Progress(phase=phase, reason=notice.reason, message=notice.message, verdict=verdict, look_again=seconds)
