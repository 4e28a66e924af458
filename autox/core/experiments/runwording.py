"""What has become of an experiment, in the words that people read: of its run, its pod, its Job or CronJob.

``wording`` next door tells why there is an experiment at all. Of what these functions take, ``name`` is the
experiment's, its release's and its workload's, which are the same. No function here is given chart values: they may
hold secrets.
"""

from datetime import timedelta

from autox.core.experiments.notice import Notice, NoticeType, warning
from autox.model.verdict import Verdict

INTERRUPTED = "Interrupted"
"""The reason of a runner that was told to end before its tasks had."""

RUNNING = "Running"
"""The reason of an experiment of which a container runs or has run."""

POD_WAITING = "PodWaiting"
"""The reason of an experiment that runs, and whose pod is not there or does not start."""

NODE_SILENT, NO_LOOP = "NodeNotReady", "NoLoop"
"""The reasons of one whose node does not answer, and of one whose CronJob makes no Job."""

TROUBLES = frozenset({POD_WAITING, NODE_SILENT, NO_LOOP})
"""The reasons of experiments that wait for somebody to mend something."""

WITH_WORKLOAD = frozenset({RUNNING, "Starting", "Scheduled", "ResultAwaited"}) | TROUBLES
"""The reasons of experiments whose Job or CronJob was seen."""


def judged(verdict: Verdict, reason: str, message: str) -> Notice:
    """A loop has ended with a verdict.

    Args:
        verdict: of the loop; all but Pass are warnings.
        reason: the runner's; empty where it gave none, and the verdict stands for it.
        message: the runner's; empty where it gave none.
    """
    kind: NoticeType = "Normal" if verdict is Verdict.PASS else "Warning"
    return Notice(reason=reason or verdict.value, message=message or f"the verdict is {verdict}", type=kind)


def interrupted(verdict: Verdict, message: str, disruption: str) -> Notice:
    """The runner was told to end, and its pod says by whom.

    Args:
        verdict: of what had been judged until then.
        message: the runner's; empty where it gave none.
        disruption: who ended the pod, and why, in words.
    """
    return warning(INTERRUPTED, f"{message or f'the verdict is {verdict}'}: {disruption}")


def running(name: str, *, has_pod: bool, has_begun: bool) -> Notice:
    """A loop is under way, or about to be.

    Args:
        name: of the experiment.
        has_pod: the Job has a pod that has not ended.
        has_begun: a container runs or has run.
    """
    if has_begun:
        what = f"the Job of {name} runs" if has_pod else f"the pod of {name} has gone, and its Job goes on or ends soon"
        return Notice(reason=RUNNING, message=what)
    what = f"the pod of {name} starts" if has_pod else f"the Job of {name} has no pod yet"
    return Notice(reason="Starting", message=what)


def scheduled(name: str) -> Notice:
    """No loop has begun."""
    return Notice(reason="Scheduled", message=f"the CronJob of {name} waits for its schedule")


def pod_waiting(name: str, reason: str, message: str) -> Notice:
    """A pod does not start.

    Args:
        name: of the experiment.
        reason: Kubernetes' word for what it waits for, as ``ImagePullBackOff``.
        message: the same for people; may be empty.
    """
    return warning(POD_WAITING, f"the pod of {name} does not start: {_with_reason(reason, message)}")


def not_started(name: str, limit: timedelta, reason: str, message: str) -> Notice:
    """Nothing has begun in time, and is ended before it does.

    Args:
        name: of the experiment.
        limit: how long it was waited for.
        reason: Kubernetes' word for what the pod waited for; empty where nobody says.
        message: the same for people; may be empty.
    """
    why = _with_reason(reason, message) if reason else "nobody says why; do the controller manager and its node run?"
    took = f"{limit.total_seconds():.0f} s"
    return warning("StartTimeout", f"the Job of {name} was ended, since nothing of it ran within {took}: {why}")


def node_silent(name: str, node: str) -> Notice:
    """The control plane has not heard of a node for a while, and will give up its pods."""
    return warning(
        NODE_SILENT, f"node {node} of the pod of {name} does not answer; unless it comes back, its pod is given up"
    )


def node_lost(name: str, node: str, why: str) -> Notice:
    """Nobody can end a pod, or say whether it has ended.

    Args:
        name: of the experiment.
        node: of its pod; empty if nobody knows it.
        why: what took the pod from its node or failed its Job, in words; may be empty.
    """
    because = f" ({why})" if why else ""
    message = f"node {node or 'unknown'} of the pod of {name} does not answer, and whether it still runs nobody knows"
    return warning("NodeLost", f"{message}{because}")


def no_loop(name: str, reason: str, message: str) -> Notice:
    """A CronJob that makes no Job.

    Args:
        name: of the experiment.
        reason: Kubernetes' word for why.
        message: the same for people; may be empty.
    """
    return warning(NO_LOOP, f"CronJob {name} begins no loop: {_with_reason(reason, message)}")


def result_awaited(name: str) -> Notice:
    """The Job has ended just now."""
    return Notice(reason="ResultAwaited", message=f"the Job of {name} has ended; its result is awaited")


def job_failed(name: str, reason: str, message: str, *, before: str = "") -> Notice:
    """The Job ended badly, and left no result.

    Args:
        name: of the experiment.
        reason: of the Job's condition, as ``BackoffLimitExceeded``.
        message: the same for people; may be empty.
        before: what its pod waited for last; empty if nothing.
    """
    told = f"{message or reason}; {before}" if before else message or reason
    return warning(reason, f"the Job of {name} failed and left no result: {told}")


def no_result(name: str) -> Notice:
    """The Job ended well, and left no result: it is of a foreign chart, or could not write it."""
    return warning("NoResult", f"the Job of {name} succeeded and left no result in the experiment's status")


def workload_vanished(name: str) -> Notice:
    """Somebody deleted the Job or CronJob, or the whole release; or the Job asked to be deleted when it had ended."""
    told = f"the Job or CronJob of {name} was deleted, and not by autox, without a result"
    return warning("WorkloadVanished", f"{told} (Kubernetes itself does that after ttlSecondsAfterFinished)")


def workload_awaited(name: str) -> Notice:
    """The release was installed just now."""
    return Notice(reason="WorkloadAwaited", message=f"the release {name} is installed; its Job or CronJob is awaited")


def no_workload(name: str) -> Notice:
    """The release runs nothing."""
    return warning(
        "NoWorkload", f"the release {name} has no Job or CronJob, and so nothing is tested; its runner may be none"
    )


def _with_reason(reason: str, message: str) -> str:
    return f"{reason}: {message}" if message else reason
