"""What the Job or CronJob of an experiment looks like, read by the label that most charts put on what they install.

Where a chart of somebody else does not, ``foreignjobs`` finds them.

Pods are looked at only where a Job does not say enough: one that failed, or that has pods which do not start, or whose
runner was told to end and does not know by whom.
"""

from datetime import datetime
from typing import Any

from autox.controller.foreignjobs import foreign_jobs
from autox.core.progressing import DEADLINE, WorkloadFacts, WorkloadKind
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import ForbiddenError
from autox.model.experiments import ExperimentRecord
from autox.model.refs import CRON_JOBS, EVENTS, JOBS, PODS

INSTANCE = "app.kubernetes.io/instance"
_STARTING = ("ContainerCreating", "PodInitializing")
_KILLED = 137  # 128 + SIGKILL
_FAILED_MOUNT, _EVICTED = "FailedMount", "Evicted"


async def read_workload(kube: KubeClient, record: ExperimentRecord, *, interrupted: bool) -> WorkloadFacts:
    """The latest Job of an experiment as it is now.

    Args:
        kube: the client.
        record: of the experiment.
        interrupted: whether its runner was told to end, so that its pod is asked who did that.

    Raises:
        AutoxError: it cannot be read.
    """
    selector = f"{INSTANCE}={record.name}"
    jobs = (await kube.list(JOBS, namespace=record.namespace, label_selector=selector)).items
    kind = WorkloadKind.JOB
    if not jobs or any(_owner(job) == "CronJob" for job in jobs):
        cron_jobs = await kube.list_metadata(CRON_JOBS, namespace=record.namespace, label_selector=selector)
        kind = WorkloadKind.CRON_JOB if cron_jobs.items else kind
    if not jobs and record.chart.repo:
        jobs, has_cron_job = await foreign_jobs(kube, record)
        kind = WorkloadKind.CRON_JOB if has_cron_job else kind
    if not jobs:
        return WorkloadFacts(kind=kind if kind is WorkloadKind.CRON_JOB else WorkloadKind.NONE)
    latest = max(jobs, key=lambda job: (str(metadata(job).get("creationTimestamp")), str(metadata(job).get("name"))))
    return await _facts(kube, latest, kind, interrupted=interrupted)


async def _facts(kube: KubeClient, job: Object, kind: WorkloadKind, *, interrupted: bool) -> WorkloadFacts:
    status = job.get("status") or {}
    active, succeeded = _count(status, "active"), _count(status, "succeeded")
    failed = _condition(status, "Failed")
    complete = _condition(status, "Complete")
    reason, message, waiting = "", "", ("", "")
    disruption = ""
    if failed or active > _count(status, "ready") or interrupted:
        pod = await _latest_pod(kube, job)
        disruption = _disruption(pod) or (await _evicted(kube, pod) if interrupted else "")
        waiting = _waiting(pod) or await _unmounted(kube, pod) if not failed else waiting
        if failed:
            reason = str(failed.get("reason") or "Failed")
            own = str(failed.get("message") or "")
            # NB: how the container of a Job whose time was over ended says only that somebody ended it.
            message = disruption or (own if reason == DEADLINE else _ending(pod)) or own
    ended = failed or complete
    return WorkloadFacts(
        kind=kind,
        active=active,
        succeeded=succeeded,
        failure_reason=reason,
        failure_message=message,
        waiting_reason=waiting[0],
        waiting_message=waiting[1],
        disruption=disruption,
        started_at=_moment(status.get("startTime")),
        ended_at=_moment(ended.get("lastTransitionTime")) if ended else None,
    )


async def _latest_pod(kube: KubeClient, job: Object) -> Object:
    own = metadata(job)
    try:
        pods = await kube.list(PODS, namespace=own["namespace"], label_selector=f"job-name={own['name']}")
    except ForbiddenError:
        return {}  # The Job says that it failed; only its pods say how.
    return max(pods.items, key=lambda pod: str(metadata(pod).get("creationTimestamp")), default={})


async def _unmounted(kube: KubeClient, pod: Object) -> tuple[str, str]:
    """Why a pod that has a node does not start there: that a Secret or a ConfigMap is missing, only Events say."""
    if (pod.get("status") or {}).get("phase") != "Pending":
        return "", ""
    told = await _told(kube, pod, _FAILED_MOUNT)
    return ("", "") if told is None else (_FAILED_MOUNT, told)


async def _evicted(kube: KubeClient, pod: Object) -> str:
    """Why the kubelet evicted a pod: of one whose container ended well when it was told to, only Events say."""
    told = await _told(kube, pod, _EVICTED) if pod else None
    return "" if told is None else f"{_EVICTED}: {told}"


async def _told(kube: KubeClient, pod: Object, reason: str) -> str | None:
    """What the latest Event of that reason says of a pod; None if there is none, or they may not be read."""
    own = metadata(pod)
    selector = f"involvedObject.uid={own['uid']},reason={reason}"
    try:
        events = await kube.list(EVENTS, namespace=own["namespace"], field_selector=selector)
    except ForbiddenError:
        return None
    latest = max(events.items, key=lambda event: str(event.get("lastTimestamp") or ""), default=None)
    return None if latest is None else str(latest.get("message") or "")


def _waiting(pod: Object) -> tuple[str, str] | None:
    status = pod.get("status") or {}
    scheduled = _condition(status, "PodScheduled", wanted="False")
    if scheduled:
        return str(scheduled.get("reason") or "Unschedulable"), str(scheduled.get("message") or "")
    for state in _states(status):
        waiting = state.get("waiting") or {}
        if waiting.get("reason") and waiting["reason"] not in _STARTING:
            return str(waiting["reason"]), str(waiting.get("message") or "")
    return None


def _disruption(pod: Object) -> str:
    """Who took the pod from its node, and why; empty if nobody did."""
    status = pod.get("status") or {}
    target = _condition(status, "DisruptionTarget")
    if status.get("reason") == _EVICTED:
        target = {"reason": status["reason"], "message": status.get("message")}
    text = " ".join(str(target.get("message") or "").split())
    return f"{target.get('reason') or 'DisruptionTarget'}: {text}".rstrip(": ") if target else ""


def _ending(pod: Object) -> str:
    """How the container that failed ended, and the command that shows its log; empty if no pod says."""
    status = pod.get("status") or {}
    for state in _states(status):
        ended = state.get("terminated") or {}
        if ended.get("exitCode"):
            text = " ".join(str(ended.get("message") or ended.get("reason") or "").split())
            if text in ("", "Error"):
                # NB: of what takes its memory at once, containerd does not tell that it was for that.
                text = "killed, most often for want of memory" if ended["exitCode"] == _KILLED else ""
            said = f": {text}" if text else ""
            log = f"kubectl logs -n {metadata(pod).get('namespace')} {metadata(pod).get('name')}"
            return f"the container ended with exit code {ended['exitCode']}{said}; its log: {log}"
    return str(status.get("message") or "")


def _states(status: Object) -> list[Object]:
    kinds = ("initContainerStatuses", "containerStatuses")
    return [each.get("state") or {} for kind in kinds for each in status.get(kind) or ()]


def _condition(status: Object, kind: str, *, wanted: str = "True") -> Object:
    """The condition if it has the wanted status; else an empty one."""
    found = (each for each in status.get("conditions") or () if each.get("type") == kind)
    return next((each for each in found if each.get("status") == wanted), {})


def _owner(obj: Object) -> str:
    return next((str(each.get("kind")) for each in metadata(obj).get("ownerReferences") or ()), "")


def _count(status: Object, name: str) -> int:
    value: Any = status.get(name)
    return value if isinstance(value, int) else 0


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
