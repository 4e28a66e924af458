"""How an experiment stands, from what its runner said and from what its Job or CronJob looks like.

The runner's word comes first. Only where it said nothing does the workload speak, and it can say no more than that
there is no verdict yet, or ``Error`` or ``NoData`` with the reason: no Job, however it ended, is a Pass without data.

Everything is derived anew from the facts each time, so it does not matter which of them was seen first. What outlasts
its facts is kept by the record: why an experiment ended whose Job has been cleaned up since, and that there once was a
workload where there is none now.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from autox.core.experiments import runwording
from autox.core.experiments.notice import Notice, warning
from autox.core.experiments.runfacts import BACKOFF, DEADLINE, NOT_SCHEDULED, RunnerFacts, WorkloadFacts, WorkloadKind
from autox.model.experiments import ExperimentRecord
from autox.model.verdict import Phase, Verdict

SCHEDULING_GRACE = timedelta(seconds=10)  # until a pod that no scheduler has taken up is worth a word
LOST_GRACE = timedelta(seconds=15)  # from when its node should have ended a pod until that node is lost
LOOK_SOON = timedelta(seconds=2)
WORKLOAD_GRACE = timedelta(seconds=30)  # from the launch until a Job that was not seen does not exist
DISRUPTION_GRACE = timedelta(seconds=10)  # from a runner's last word until nobody says who interrupted it
RESULT_GRACE = timedelta(seconds=5)  # from the end of a Job until a result that was not seen does not exist


class Remedy(StrEnum):
    """What is to be done about a Job that will not end by itself."""

    STOP = "Stop"  # end it, and let it say why
    REMOVE = "Remove"  # delete it: it can end no more, and keeps the next one from beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How an experiment stands.

    Attributes:
        phase: where it is in its life.
        reason: CamelCase.
        message: the same for people.
        verdict: for the controller to give; None where the runner gave one, or where there is none yet.
        look_again: seconds after which it may stand differently though nothing happens; None if it cannot.
        remedy: what is to be done about its Job; None for nothing.
    """

    phase: Phase
    reason: str
    message: str
    verdict: Verdict | None = None
    look_again: float | None = None
    remedy: Remedy | None = None


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
        return _without_result(record, job, now, ended=Phase.COMPLETED) or _at_work(
            record, job, now, ended=Phase.COMPLETED
        )
    if runner.reason == runwording.INTERRUPTED:
        return _of_interrupted(record, runner, runner.verdict, job, now)
    return _progress(Phase.COMPLETED, runwording.judged(runner.verdict, runner.reason, runner.message))


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
        return _progress(Phase.COMPLETED, runwording.interrupted(verdict, runner.message, by_whom))
    rest = timedelta(0) if runner.told_at is None or job.ended_at else runner.told_at + DISRUPTION_GRACE - now
    if rest > timedelta(0):
        return _progress(Phase.RUNNING, runwording.result_awaited(record.name), look_again=timedelta(seconds=1))
    return _progress(Phase.COMPLETED, runwording.judged(verdict, runner.reason, runner.message))


def _of_cron_job(record: ExperimentRecord, runner: RunnerFacts, job: WorkloadFacts, now: datetime) -> Progress:
    if job.held_reason and not job.active:
        return _of_held(record, job, now)
    # NB: never by the runner's own clock: that of a node that is seconds behind would make each loop one that crashed.
    has_told = runner.told_at is not None and (job.started_at is None or runner.told_at >= job.started_at)
    if has_told or job.started_at is None:
        if has_told and runner.verdict is not None:
            notice = runwording.judged(runner.verdict, runner.reason, runner.message)
            return _progress(Phase.RUNNING, notice, look_again=_next_loop(now))
        if runner.verdict is None and record.verdict is not None and record.reason not in runwording.WITH_WORKLOAD:
            # The loop that we judged is there no more; the one before it says nothing about it.
            return replace(_as_it_stood(record, runner), look_again=_next_loop(now).total_seconds())
    if job.started_at is None:
        return _progress(Phase.RUNNING, runwording.scheduled(record.name), look_again=_next_loop(now))
    return _without_result(record, job, now, ended=Phase.RUNNING) or _at_work(record, job, now, ended=Phase.RUNNING)


def _of_held(record: ExperimentRecord, job: WorkloadFacts, now: datetime) -> Progress:
    """A CronJob that makes no Job: after a while that is how its latest loop ended."""
    notice = runwording.no_loop(record.name, job.held_reason, job.held_message)
    rest = None if job.held_since is None else job.held_since + job.start_timeout - now
    if rest is not None and rest <= timedelta(0):
        return _progress(Phase.RUNNING, notice, Verdict.ERROR)
    return _progress(Phase.RUNNING, notice, look_again=rest)


def _next_loop(now: datetime) -> timedelta:
    """Until the next loop may have begun: Jobs of a CronJob are made at full minutes."""
    return timedelta(seconds=60 - now.second) + LOOK_SOON


def _of_nothing(record: ExperimentRecord, launched_at: datetime, runner: RunnerFacts, now: datetime) -> Progress:
    if runner.verdict is not None:
        return _progress(Phase.COMPLETED, runwording.judged(runner.verdict, runner.reason, runner.message))
    if record.phase is Phase.COMPLETED:
        return _as_it_stood(record, runner)
    if runner.started_at is not None or record.reason in runwording.WITH_WORKLOAD:
        return _progress(Phase.COMPLETED, runwording.workload_vanished(record.name), Verdict.ERROR)
    rest = launched_at + WORKLOAD_GRACE - now
    if rest > timedelta(0):
        return _progress(Phase.RUNNING, runwording.workload_awaited(record.name), look_again=rest)
    return _progress(Phase.COMPLETED, runwording.no_workload(record.name), Verdict.NO_DATA)


def _without_result(record: ExperimentRecord, job: WorkloadFacts, now: datetime, *, ended: Phase) -> Progress | None:
    """A Job that ended, or never will, and left no verdict; None while it goes on."""
    remedy = Remedy.REMOVE if ended is Phase.RUNNING and _is_lost(job, now) else None
    if job.stopped_reason:
        notice = warning(job.stopped_reason, job.stopped_message)
        return _progress(ended, notice, Verdict.ERROR, remedy=remedy)
    if _is_lost(job, now):
        why = job.disruption or job.failure_message
        return _progress(ended, runwording.node_lost(record.name, job.node, why), Verdict.ERROR, remedy=remedy)
    if not job.failure_reason and (not job.succeeded or job.active):
        return None
    was_waiting = record.reason == runwording.POD_WAITING
    rest = timedelta(0) if job.ended_at is None or was_waiting else job.ended_at + RESULT_GRACE - now
    if rest > timedelta(0):
        return _progress(Phase.RUNNING, runwording.result_awaited(record.name), look_again=rest)
    if job.failure_reason:
        before = record.message if was_waiting and job.failure_reason in (DEADLINE, BACKOFF) else ""
        notice = runwording.job_failed(record.name, job.failure_reason, job.failure_message, before=before)
    else:
        notice = runwording.no_result(record.name)
    return _progress(ended, notice, Verdict.ERROR)


def _is_lost(job: WorkloadFacts, now: datetime) -> bool:
    """A pod that its node should have ended, and that is there: of a Job like that nobody will say that it failed."""
    return job.due is not None and (job.is_silent or now >= job.due + LOST_GRACE)


def _at_work(record: ExperimentRecord, job: WorkloadFacts, now: datetime, *, ended: Phase) -> Progress:
    look_again = None
    is_waiting = bool(job.waiting_reason)
    # NB: a pod that was taken away leaves for a moment a Job that looks as if it had never had one.
    has_begun = job.has_begun or (
        job.kind is WorkloadKind.JOB and record.reason == runwording.RUNNING and not job.waiting_reason
    )
    if not has_begun and job.since is not None:
        age = now - job.since
        if age >= job.start_timeout:
            notice = runwording.not_started(record.name, job.start_timeout, job.waiting_reason, job.waiting_message)
            return _progress(ended, notice, Verdict.ERROR, remedy=Remedy.STOP)
        look_again = min(job.start_timeout - age, max(age / 4, LOOK_SOON))
        is_waiting = is_waiting and (job.waiting_reason != NOT_SCHEDULED or age >= SCHEDULING_GRACE)
    if job.is_silent:
        notice = runwording.node_silent(record.name, job.node)
    elif is_waiting:
        notice = runwording.pod_waiting(record.name, job.waiting_reason, job.waiting_message)
    else:
        notice = runwording.running(record.name, has_pod=job.active > 0, has_begun=has_begun)
    return _progress(Phase.RUNNING, notice, look_again=look_again)


def _as_it_stood(record: ExperimentRecord, runner: RunnerFacts) -> Progress:
    given = record.verdict if runner.verdict is None else None
    return Progress(phase=record.phase, reason=record.reason, message=record.message, verdict=given)


def _progress(
    phase: Phase,
    notice: Notice,
    verdict: Verdict | None = None,
    *,
    look_again: timedelta | None = None,
    remedy: Remedy | None = None,
) -> Progress:
    return Progress(
        phase=phase,
        reason=notice.reason,
        message=notice.message,
        verdict=verdict,
        look_again=None if look_again is None else look_again.total_seconds(),
        remedy=remedy,
    )
