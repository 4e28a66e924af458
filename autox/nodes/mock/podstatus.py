"""The status of a simulated pod, as a kubelet would write it. Pure.

The body of one strategic merge patch of the status subresource, computed from the pod as it was seen last and the
step that is next. What is already told (start time, address, when a condition turned) is kept, so that a body
computed from its own result says the same again.
"""

from datetime import datetime

import msgspec

from autox.kube.objects import Object, timestamp
from autox.model.stages import ENDED, WAITING, State
from autox.nodes.mock.containerstatus import container_statuses
from autox.nodes.mock.endings import are_over
from autox.nodes.mock.pods import Pod
from autox.nodes.mock.podstate import CONDITIONS, flaps_told
from autox.nodes.mock.readybody import ready_body
from autox.nodes.mock.steps import Step

_TRUE = dict.fromkeys(CONDITIONS, "True")
_UNREADY = _TRUE | {"ContainersReady": "False", "Ready": "False"}
_NOT_GATED = _TRUE | {"Ready": "False"}
_CREATING = _UNREADY | {"PodReadyToStartContainers": "False"}
_INITIALIZING = _CREATING | {"Initialized": "False"}
_OVER = dict.fromkeys(CONDITIONS, "False") | {"Initialized": "True", "PodScheduled": "True"}


def body(pod: Pod, step: Step, *, host_ip: str, pod_ip: str, now: datetime) -> bytes:
    """The body of the patch that takes a step whose action is ``WRITE``.

    Args:
        pod: as it was seen last.
        step: what is next for it.
        host_ip: the address that the pod publishes for its node.
        pod_ip: its own, not told while it is ``CREATING``; of a pod that has ended neither address is told.
        now: the time of the write, with its time zone.
    """
    plain = ready_body(pod, step, host_ip=host_ip, pod_ip=pod_ip, now=now)
    if plain is not None:
        return plain
    return msgspec.json.encode(status_patch(pod, step, host_ip=host_ip, pod_ip=pod_ip, now=now))


def status_patch(pod: Pod, step: Step, *, host_ip: str, pod_ip: str, now: datetime) -> Object:
    """The same, as an object.

    Args:
        pod: as it was seen last.
        step: what is next for it; it has a state.
        host_ip: the address that the pod publishes for its node.
        pod_ip: its own, not told while it is ``CREATING``; of a pod that has ended neither address is told.
        now: the time of the write, with its time zone.
    """
    state = step.state
    assert state is not None  # noqa: S101  - there is nothing to write otherwise
    instant = timestamp(now)
    meta, told = pod.metadata, pod.status
    status: Object = {
        "phase": phase_of(state),
        "conditions": _turned(pod, state, instant=instant),
        "observedGeneration": meta.generation,
        "startTime": told.start_time or instant,
    }
    if state not in ENDED:
        status |= {"hostIP": host_ip, "hostIPs": [{"ip": host_ip}]}
        if state is not State.CREATING:
            status |= {"podIP": pod_ip, "podIPs": [{"ip": pod_ip}]}
    reason, message = _explained(step, state)
    if reason:
        status["reason"] = reason
    if message or told.message:
        status["message"] = message  # NB: null takes away what was true of the state before
    status |= container_statuses(pod, step, instant=instant)
    # NB: the uid makes the server refuse to patch a later pod of the same name.
    return {"metadata": {"uid": meta.uid}, "status": status}


def phase_of(state: State) -> str:
    """The phase of a pod in a state."""
    if state in ENDED:
        return state.value
    return "Pending" if state in WAITING else "Running"


def is_told(pod: Pod, state: State) -> bool:
    """Does the status say all that it would say if the pod's state were written again?"""
    told = pod.status
    if told.phase != phase_of(state) or told.start_time is None:
        return False
    if told.observed_generation != pod.metadata.generation or not (told.pod_ip or state is State.CREATING):
        return False
    if state is State.READY and _is_all_true(pod):
        return True
    said = _said(pod)
    return all(said.get(kind) == wanted for kind, wanted in _wanted(pod, state).items())


def _is_all_true(pod: Pod) -> bool:
    """The common case, decided without making a dictionary: no condition is missing, and none is false."""
    if pod.spec.readiness_gates:
        return False
    there = 0
    for condition in pod.status.conditions or ():
        if condition.status != "True":
            return False
        there += condition.type in _TRUE
    return there == len(_TRUE)


def _said(pod: Pod) -> dict[str, str]:
    """What the conditions of a pod say, by type."""
    return {each.type: each.status for each in pod.status.conditions or ()}


def _wanted(pod: Pod, state: State) -> dict[str, str]:
    """What they shall say; a pod is Ready when its readiness gates, set by others, agree."""
    if state is State.READY:
        if are_over(pod):
            return _UNREADY
        gates = pod.spec.readiness_gates
        if not gates:
            return _TRUE
        said = _said(pod)
        return _TRUE if all(said.get(gate.condition_type) == "True" for gate in gates) else _NOT_GATED
    if state is State.CREATING:
        return _INITIALIZING if pod.spec.init_containers else _CREATING
    return _OVER if state in ENDED else _UNREADY


def _turned(pod: Pod, state: State, *, instant: str) -> list[Object]:
    """The conditions with the time since when each holds, and a reason for each that is False."""
    since = {(seen.type, seen.status): seen.last_transition_time for seen in pod.status.conditions or ()}
    conditions = []
    for kind, status in _wanted(pod, state).items():
        reason, message = _because(pod, state, kind) if status == "False" else (None, None)
        condition = {
            "type": kind,
            "status": status,
            # NB: null takes away what somebody else gave as a reason while this agent was away.
            "reason": reason,
            "message": message,
            "lastTransitionTime": since.get((kind, status)) or instant,
            "observedGeneration": pod.metadata.generation,
        }
        conditions.append(condition)
    return conditions


def _because(pod: Pod, state: State, kind: str) -> tuple[str | None, str | None]:
    """Reason and message of a condition that is False."""
    if state in ENDED:
        return ("PodCompleted" if state is State.SUCCEEDED else "PodFailed"), None
    over = [container.name for container, _ in are_over(pod)] if state is State.READY else []
    if over:
        return "ContainersNotReady", f"containers with unready status: [{' '.join(over)}]"
    if state is State.READY:
        return "ReadinessGatesNotReady", None
    if kind == "PodReadyToStartContainers":
        return None, None
    if kind == "Initialized":
        names = " ".join(container.name for container in pod.spec.init_containers or ())
        return "ContainersNotInitialized", f"containers with incomplete status: [{names}]"
    names = " ".join(container.name for container in pod.spec.containers or ())
    return "ContainersNotReady", f"containers with unready status: [{names}]"


def _explained(step: Step, state: State) -> tuple[str, str | None]:
    """Reason and message of the pod itself."""
    if state in ENDED:
        stage = step.stage
        return (stage.reason, stage.message or None) if stage is not None and stage.to in ENDED else ("", None)
    return "", flaps_told(step.flaps)
