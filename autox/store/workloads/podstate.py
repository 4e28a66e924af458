"""What the pod of an experiment's Job says of itself, in words: why it waits, how it ended, who took it away. Pure.

Next door, ``startup`` asks the Events about what a pod cannot say of itself.
"""

from collections.abc import Iterable
from datetime import datetime

from autox.kube.objects import Object, metadata, moment

EVICTED = "Evicted"
_HOOK = "helm.sh/hook"
_STARTING = ("ContainerCreating", "PodInitializing")
_KILLED = 137  # 128 + SIGKILL


def waiting(pod: Object) -> tuple[str, str] | None:
    """Why it does not start, as a reason and in words; None if it says nothing of the kind."""
    status = pod.get("status") or {}
    scheduled = condition(status, "PodScheduled", wanted="False")
    if scheduled:
        return str(scheduled.get("reason") or "Unschedulable"), str(scheduled.get("message") or "")
    for each in _containers(status):
        held = (each.get("state") or {}).get("waiting") or {}
        if held.get("reason") and held["reason"] not in _STARTING:
            ended = (each.get("lastState") or {}).get("terminated") or {}
            code = f" (it ended with exit code {ended['exitCode']})" if ended.get("exitCode") else ""
            return str(held["reason"]), f"{held.get('message') or ''}{code}"
    for name in _preparing(pod):
        return "PodInitializing", f"container {name} runs beside it and has not started yet"
    return None


def has_begun(pod: Object) -> bool:
    """Whether one of its containers runs or has run; of those that only prepare, whether one runs now."""
    status = pod.get("status") or {}
    listed = status.get("containerStatuses") or ()
    states = [each.get(kind) or {} for each in listed for kind in ("state", "lastState")]
    if any("running" in state or "terminated" in state for state in states):
        return True
    beside = _beside(pod)
    prepare = [each for each in status.get("initContainerStatuses") or () if each.get("name") not in beside]
    return any("running" in (each.get("state") or {}) for each in prepare)


def prepared(pod: Object) -> datetime | None:
    """When the last of its containers that only prepare ended; None if none has."""
    listed = (pod.get("status") or {}).get("initContainerStatuses") or ()
    ends = (moment(((each.get("state") or {}).get("terminated") or {}).get("finishedAt")) for each in listed)
    return max((end for end in ends if end), default=None)


def has_ended(pod: Object) -> bool:
    """Whether its containers will never run again."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def node(pod: Object) -> str:
    """The node that it was given to; empty if it was given to none."""
    return str((pod.get("spec") or {}).get("nodeName") or "")


def is_silent(pod: Object) -> bool:
    """Whether the control plane has given up its node for not answering.

    It then says that the pod is not ready, though the kubelet's last word was that all its containers are.
    """
    status = pod.get("status") or {}
    if (pod.get("spec") or {}).get("readinessGates"):
        return False
    return bool(condition(status, "Ready", wanted="False")) and bool(condition(status, "ContainersReady"))


def due(pod: Object) -> datetime | None:
    """When its node should have ended it at the latest; None while nobody deletes it."""
    return moment(metadata(pod).get("deletionTimestamp")) if pod else None


def disruption(pod: Object) -> str:
    """Who took the pod from its node, and why; empty if nobody did."""
    status = pod.get("status") or {}
    target = condition(status, "DisruptionTarget")
    if status.get("reason") == EVICTED:
        target = {"reason": status["reason"], "message": status.get("message")}
    text = " ".join(str(target.get("message") or "").split())
    return f"{target.get('reason') or 'DisruptionTarget'}: {text}".rstrip(": ") if target else ""


def ending(pod: Object) -> str:
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


def condition(status: Object, kind: str, *, wanted: str = "True") -> Object:
    """The condition of a status if it is as wanted; else an empty one.

    Args:
        status: of any object that has ``conditions``.
        kind: the condition's type, ``PodScheduled`` for instance.
        wanted: its status: ``True``, ``False`` or ``Unknown``.
    """
    found = (each for each in status.get("conditions") or () if each.get("type") == kind)
    return next((each for each in found if each.get("status") == wanted), {})


def latest(objects: Iterable[Object]) -> Object:
    """The one that was made last; an empty one if there is none."""
    return max(
        objects,
        key=lambda each: (str(metadata(each).get("creationTimestamp")), str(metadata(each)["name"])),
        default={},
    )


def leading(jobs: Iterable[Object]) -> Object:
    """Of several Jobs of one release the one that tells how it stands; an empty one if there is none.

    One that failed, else one that has not ended, else the last. What Helm ran as a hook is no part of the release.
    """
    listed = list(jobs)
    own = [each for each in listed if _HOOK not in (metadata(each).get("annotations") or {})]
    ranked = [
        (bool(condition(each.get("status") or {}, "Failed")), not condition(each.get("status") or {}, "Complete"), each)
        for each in own or listed
    ]
    first = max((rank[:2] for rank in ranked), default=None)
    return latest(each for *rank, each in ranked if tuple(rank) == first)


def _containers(status: Object) -> list[Object]:
    return [each for kind in ("initContainerStatuses", "containerStatuses") for each in status.get(kind) or ()]


def _states(status: Object) -> list[Object]:
    return [each.get("state") or {} for each in _containers(status)]


def _beside(pod: Object) -> frozenset[str]:
    """The containers that begin before the others and go on beside them."""
    listed = (pod.get("spec") or {}).get("initContainers") or ()
    return frozenset(str(each.get("name")) for each in listed if each.get("restartPolicy") == "Always")


def _preparing(pod: Object) -> Iterable[str]:
    """Those of them that run and that the others still wait for."""
    beside = _beside(pod)
    for each in (pod.get("status") or {}).get("initContainerStatuses") or ():
        is_up = "running" in (each.get("state") or {})
        if is_up and each.get("started") is False and each.get("name") in beside:
            yield str(each.get("name"))
