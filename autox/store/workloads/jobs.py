"""What the Job or CronJob of an experiment looks like, read by the label that most charts put on what they install.

A chart that is not ours calls and labels its objects as it likes. Its Jobs are known by the annotations that Helm puts
on what it installs, and those that a CronJob makes by their owner.

Pods and Events are looked at only where a Job does not say enough: one that failed, or of which nothing runs, or whose
runner was told to end and does not know by whom.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from autox.core.experiments.runfacts import (
    DEADLINE,
    NOT_SCHEDULED,
    START_TIMEOUT,
    SUSPENDED,
    WorkloadFacts,
    WorkloadKind,
)
from autox.core.formats.notation import parse_duration
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata, moment
from autox.kube.released import released
from autox.model import labels
from autox.model.errors import ConflictError, ForbiddenError, NotFoundError
from autox.model.experiments import ExperimentRecord
from autox.model.refs import CRON_JOBS, JOBS, PODS
from autox.store.workloads import podstate, startup
from autox.store.workloads.podstate import condition

_MAKER = "kubernetes.io/job-controller"
_MOST = 10  # Jobs of one release that are looked at


async def read_workload(kube: KubeClient, record: ExperimentRecord, *, interrupted: bool) -> WorkloadFacts:
    """The latest Job of an experiment as it is now.

    Args:
        kube: the client.
        record: of the experiment.
        interrupted: whether its runner was told to end, so that its pod is asked who did that.

    Raises:
        AutoxError: it cannot be read.
    """
    selector = f"{labels.INSTANCE}={record.name}"
    jobs = (await kube.list(JOBS, namespace=record.namespace, label_selector=selector)).items
    kind, cron_job = WorkloadKind.JOB, None
    if not jobs or any(_owner(job) == "CronJob" for job in jobs):
        cron_jobs = (await kube.list(CRON_JOBS, namespace=record.namespace, label_selector=selector)).items
        cron_job = next(iter(cron_jobs), None)
        kind = WorkloadKind.CRON_JOB if cron_job else kind
    if not jobs and record.chart.repo:
        jobs, has_cron_job = await _foreign_jobs(kube, record)
        kind = WorkloadKind.CRON_JOB if has_cron_job else kind
    latest = podstate.leading(jobs) if kind is WorkloadKind.JOB else podstate.latest(jobs)
    if latest:
        facts = await _facts(kube, latest, kind, interrupted=interrupted)
    else:
        facts = WorkloadFacts(kind=kind if kind is WorkloadKind.CRON_JOB else WorkloadKind.NONE)
    is_over = not latest or facts.ended_at is not None
    return await _held(kube, cron_job, latest, facts) if cron_job is not None and is_over else facts


async def stop(kube: KubeClient, namespace: str, job: WorkloadFacts, *, reason: str, message: str) -> None:
    """End a Job at once, and have it say why; nothing if it has gone.

    Its own time is cut short, so that Kubernetes ends it as it ends others, and its CronJob goes on.

    Args:
        kube: may patch Jobs.
        namespace: of the Job.
        job: as it was read; another one of its name, with another uid, is left alone.
        reason: CamelCase, for an annotation of the Job.
        message: the same for people.
    """
    told = {labels.STOPPED_REASON: reason, labels.STOPPED_MESSAGE: message}
    # NB: the uid makes it a conflict if this is another Job of the same name.
    body = {"metadata": {"uid": job.uid, "annotations": told}, "spec": {"activeDeadlineSeconds": 1}}
    try:
        await kube.patch(JOBS, job.name, body, namespace=namespace)
    except (NotFoundError, ConflictError):
        return


async def remove(kube: KubeClient, namespace: str, job: WorkloadFacts) -> None:
    """Delete a Job that can end no more; its pod goes when its node is back, or is deleted. Nothing if it has gone.

    Args:
        kube: may delete Jobs.
        namespace: of the Job.
        job: as it was read; another one of its name, with another uid, is left alone.
    """
    try:
        await kube.delete(JOBS, job.name, namespace=namespace, propagation="Background", uid=job.uid)
    except (NotFoundError, ConflictError):
        return


async def _facts(kube: KubeClient, job: Object, kind: WorkloadKind, *, interrupted: bool) -> WorkloadFacts:
    own, status = metadata(job), job.get("status") or {}
    notes = own.get("annotations") or {}
    failed, complete = condition(status, "Failed"), condition(status, "Complete")
    ended = failed or complete
    is_suspended = bool((job.get("spec") or {}).get("suspend"))
    facts = WorkloadFacts(
        kind=kind,
        name=str(own["name"]),
        uid=str(own.get("uid") or ""),
        active=_count(status, "active"),
        succeeded=_count(status, "succeeded"),
        since=None if is_suspended else moment(status.get("startTime")) or moment(own.get("creationTimestamp")),
        start_timeout=_start_timeout(notes),
        stopped_reason=str(notes.get(labels.STOPPED_REASON) or ""),
        stopped_message=str(notes.get(labels.STOPPED_MESSAGE) or ""),
        started_at=moment(status.get("startTime")),
        ended_at=moment(ended.get("lastTransitionTime")) if ended else None,
    )
    if is_suspended and not ended:
        return replace(facts, has_begun=False, waiting_reason=SUSPENDED, waiting_message="the Job is suspended")
    if not (failed or interrupted or (not complete and not _count(status, "ready"))):
        return facts
    pod = await _latest_pod(kube, job)
    disruption = podstate.disruption(pod) or (await startup.evicted(kube, pod) if interrupted and pod else "")
    if failed:
        reason, message = await _failure(kube, job, pod, failed, disruption)
        return replace(facts, disruption=disruption, failure_reason=reason, failure_message=message)
    has_begun = podstate.has_begun(pod) or (not pod and any(_count(status, each) for each in ("failed", "succeeded")))
    waiting = podstate.waiting(pod) or await _kept(kube, job, pod, has_begun=has_begun)
    has_ended = podstate.has_ended(pod)
    target = condition(status, "FailureTarget")
    is_over = has_ended or not pod
    if is_over and not (complete or target or any(waiting)):
        waiting = _retried(job, pod)
    begins = [each for each in (facts.since, podstate.prepared(pod)) if each]
    return replace(
        facts,
        has_begun=has_begun or bool(complete) or has_ended,
        since=max(begins, default=None),
        waiting_reason=waiting[0],
        waiting_message=waiting[1],
        failure_message=f"{target.get('reason')}: {target.get('message')}" if target else "",
        disruption=disruption,
        node=podstate.node(pod),
        is_silent=not has_ended and podstate.is_silent(pod),
        due=None if has_ended else podstate.due(pod),
    )


def _retried(job: Object, pod: Object) -> tuple[str, str]:
    """Why a Job whose pod failed waits for another one; nothing where none failed, or none is to come."""
    failed, most = _count(job.get("status") or {}, "failed"), (job.get("spec") or {}).get("backoffLimit", 6)
    if not 0 < failed <= most:
        return "", ""
    return "PodFailed", f"{podstate.ending(pod) or 'it failed'}; {failed} of {most + 1} tries failed, and another comes"


async def _failure(kube: KubeClient, job: Object, pod: Object, failed: Object, disruption: str) -> tuple[str, str]:
    """Why a Job failed: of several that tell, the one that knows most."""
    reason, own = str(failed.get("reason") or "Failed"), str(failed.get("message") or "")
    if disruption:
        return reason, disruption
    if reason == DEADLINE:
        # NB: how the container of a Job whose time was over ended says only that somebody ended it.
        told = None if pod else await startup.warned(kube, job)
        more = f"; it had no pod: {told.reason}: {told.message}" if told and told.reason == "FailedCreate" else ""
        return reason, f"{own}{more}"
    message = podstate.ending(pod) or ("" if pod else await startup.taken(kube, job)) or own
    return reason, message


async def _kept(kube: KubeClient, job: Object, pod: Object, *, has_begun: bool) -> tuple[str, str]:
    """What keeps a Job from having a pod, or a pod from running, as Events tell."""
    if has_begun:
        return "", ""
    if told := await startup.warned(kube, pod or job):
        return told.reason, told.message
    maker = (job.get("spec") or {}).get("managedBy") or _MAKER
    if not pod and maker != _MAKER:
        return "ManagedBy", f"{maker} is to make its pods (spec.managedBy)"
    return (NOT_SCHEDULED, "no scheduler has taken it up") if pod and not podstate.node(pod) else ("", "")


async def _held(kube: KubeClient, cron_job: Object, latest: Object, facts: WorkloadFacts) -> WorkloadFacts:
    """The same, and what keeps the CronJob from making the next Job."""
    spec = cron_job.get("spec") or {}
    if spec.get("suspend"):
        return replace(facts, held_reason=SUSPENDED, held_message="spec.suspend is true")
    told = await startup.warned(kube, cron_job)
    made = moment(metadata(latest).get("creationTimestamp")) if latest else None
    if told is None or told.last is None or (made is not None and told.last <= made):
        return facts
    since = told.last if made is not None and told.first is not None and told.first <= made else told.first
    template = (spec.get("jobTemplate") or {}).get("metadata") or {}
    return replace(
        facts,
        held_reason=told.reason,
        held_message=told.message,
        held_since=since,
        start_timeout=_start_timeout(template.get("annotations") or {}),
    )


async def _latest_pod(kube: KubeClient, job: Object) -> Object:
    own = metadata(job)
    try:
        pods = await kube.list(PODS, namespace=own["namespace"], label_selector=f"job-name={own['name']}")
    except ForbiddenError:
        return {}  # The Job says that it failed; only its pods say how.
    return podstate.latest(pods.items)


def _start_timeout(notes: Object) -> timedelta:
    try:
        return timedelta(seconds=parse_duration(str(notes[labels.START_TIMEOUT])))
    except (KeyError, ValueError, OverflowError):
        return START_TIMEOUT


def _owner(obj: Object) -> str:
    return next((str(each.get("kind")) for each in metadata(obj).get("ownerReferences") or ()), "")


def _count(status: Object, name: str) -> int:
    value: Any = status.get(name)
    return value if isinstance(value, int) else 0


async def _foreign_jobs(kube: KubeClient, record: ExperimentRecord) -> tuple[list[Object], bool]:
    """The Jobs of an experiment, and whether a CronJob makes them: then the latest alone.

    Args:
        kube: the client.
        record: of the experiment.

    Raises:
        AutoxError: they cannot be listed.
    """
    jobs = await released(kube, JOBS, record.name, namespace=record.namespace)
    crons = {metadata(each)["uid"] for each in await released(kube, CRON_JOBS, record.name, namespace=record.namespace)}
    if crons:
        listing = await kube.list_metadata(JOBS, namespace=record.namespace)
        jobs += [each for each in listing.items if _owners(each) & crons]
    wanted = [each for each in [podstate.latest(jobs)] if each] if crons else jobs[:_MOST]
    found: list[Object] = []
    for each in wanted:
        with suppress(NotFoundError):
            found.append(await kube.get(JOBS, metadata(each)["name"], namespace=record.namespace))
    return found, bool(crons)


def _owners(obj: Object) -> set[str]:
    return {str(each.get("uid")) for each in metadata(obj).get("ownerReferences") or ()}
