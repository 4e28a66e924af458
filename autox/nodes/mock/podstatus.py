"""The status of a simulated pod, as a kubelet would write it: running, or ended. Pure.

Each function gives the body of one strategic merge patch of the status subresource, computed from the pod as it was
seen last. What is already told (start time, address, when a condition turned) is kept, so that a body computed from
its own result says the same again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from autox.kube.objects import Object, timestamp

CONDITIONS = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "PodScheduled")


class Phase(StrEnum):
    """The two ways in which a pod ends."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a pod ends.

    Attributes:
        phase: its last phase.
        exit_code: what every container ends with.
        reason: ``status.reason``, empty for none.
        message: ``status.message``, empty for none.
    """

    phase: Phase
    exit_code: int
    reason: str = ""
    message: str = ""


def running(pod: Mapping[str, Any], *, host_ip: str, pod_ip: str, now: datetime) -> Object:
    """The patch after which all init containers have completed and everything else runs and is ready."""
    instant = timestamp(now)
    started = _started(pod, otherwise=instant)
    status = {
        "phase": "Running",
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": pod_ip,
        "podIPs": [{"ip": pod_ip}],
        "conditions": _turned(pod, wanted_conditions(pod), reason="ReadinessGatesNotReady", instant=instant),
    }
    return _patch(pod, status, state={"running": {"startedAt": started}}, started=started)


def ended(pod: Mapping[str, Any], ending: Ending, *, now: datetime) -> Object:
    """The patch after which every container has ended and the pod is in its last phase."""
    instant = timestamp(now)
    started = _started(pod, otherwise=instant)
    statuses = dict.fromkeys(CONDITIONS, "False") | {"Initialized": "True", "PodScheduled": "True"}
    reason = "PodCompleted" if ending.phase is Phase.SUCCEEDED else "PodFailed"
    status: Object = {
        "phase": ending.phase.value,
        "conditions": _turned(pod, statuses, reason=reason, instant=instant),
    }
    if ending.reason:
        status |= {"reason": ending.reason, "message": ending.message}
    return _patch(pod, status, state=_terminated(started, ending.exit_code, instant), started=started)


def wanted_conditions(pod: Mapping[str, Any]) -> dict[str, str]:
    """What the conditions of a running pod shall say; it is Ready when its readiness gates, set by others, agree."""
    said = condition_statuses(pod)
    gates = (gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ())
    ready = all(said.get(gate) == "True" for gate in gates)
    return dict.fromkeys(CONDITIONS, "True") | {"Ready": "True" if ready else "False"}


def condition_statuses(pod: Mapping[str, Any]) -> dict[str, str]:
    """What the conditions of a pod say, by type."""
    return {condition["type"]: condition["status"] for condition in _conditions(pod)}


def _conditions(pod: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (pod.get("status") or {}).get("conditions") or ()


def _turned(pod: Mapping[str, Any], wanted: Mapping[str, str], *, reason: str, instant: str) -> list[Object]:
    """The wanted conditions with the time since when each holds; one that is False gets the reason."""
    since = {(seen["type"], seen["status"]): seen.get("lastTransitionTime") for seen in _conditions(pod)}
    return [
        {
            "type": kind,
            "status": status,
            # NB: null takes away what somebody else gave as a reason while this agent was away.
            "reason": reason if status == "False" else None,
            "message": None,
            "lastTransitionTime": since.get((kind, status)) or instant,
            "observedGeneration": pod["metadata"].get("generation"),
        }
        for kind, status in wanted.items()
    ]


def _patch(pod: Mapping[str, Any], status: Object, *, state: Object, started: str) -> Object:
    """The whole patch, with a status for every container; ``state`` is that of all but the init containers."""
    runs = "running" in state
    initial: list[Object] = []
    for container in pod["spec"].get("initContainers") or ():
        if container.get("restartPolicy") == "Always":  # a sidecar: lives as long as the pod
            initial.append(_container(pod, container, state, ready=runs))
        else:
            initial.append(_container(pod, container, _terminated(started, 0, started), ready=True))
    whole = {
        **status,
        "observedGeneration": pod["metadata"].get("generation"),
        "startTime": (pod.get("status") or {}).get("startTime") or started,
        "containerStatuses": [_container(pod, container, state, ready=runs) for container in pod["spec"]["containers"]],
    }
    if initial:
        whole["initContainerStatuses"] = initial
    # NB: the uid makes the server refuse to patch a later pod of the same name.
    return {"metadata": {"uid": pod["metadata"]["uid"]}, "status": whole}


def _started(pod: Mapping[str, Any], *, otherwise: str) -> str:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        if at := ((container.get("state") or {}).get("running") or {}).get("startedAt"):
            return str(at)
    return otherwise


def _terminated(started: str, exit_code: int, finished: str) -> Object:
    reason = "Completed" if exit_code == 0 else "Error"
    return {"terminated": {"exitCode": exit_code, "reason": reason, "startedAt": started, "finishedAt": finished}}


def _container(pod: Mapping[str, Any], container: Mapping[str, Any], state: Object, *, ready: bool) -> Object:
    image = container.get("image", "")
    identity = f"autox-mock://{pod['metadata']['uid']}/{container['name']}"
    if "terminated" in state:
        state = {"terminated": {**state["terminated"], "containerID": identity}}
    return {
        "name": container["name"],
        "image": image,
        "imageID": image,
        "containerID": identity,
        "ready": ready,
        "started": "running" in state,
        "restartCount": 0,
        "state": state,
    }
