"""What a Pod object says of its state: which one it is, since when, and how often it was there before. Pure.

All of it is read from the pod alone, so that an agent that was restarted, or that missed what happened in between,
comes to the same as one that saw everything.
"""

import re

from autox.model.stages import RUNNING, WAITING, State
from autox.nodes.mock.endings import are_over, have_failed
from autox.nodes.mock.pods import ContainerStatus, Pod
from autox.nodes.timestamps import epoch

CONDITIONS = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "PodScheduled")
"""What a kubelet tells of every pod; all of them are true of a pod that is ready."""

_BY_REASON = {
    "ContainerCreating": State.CREATING,
    "PodInitializing": State.CREATING,
    "ErrImagePull": State.ERR_IMAGE_PULL,
    "ImagePullBackOff": State.IMAGE_PULL_BACK_OFF,
    "CrashLoopBackOff": State.CRASH_LOOP_BACK_OFF,
}
_FLAPS = re.compile(r"readiness flaps: ([0-9]{1,9})")


def state_of(pod: Pod) -> State:
    """The state of a pod; ``PENDING`` also when its status makes no sense, so that it is written anew."""
    status = pod.status
    if status.phase in {"Succeeded", "Failed"}:
        return State(status.phase)
    if not status.container_statuses or len(status.container_statuses) != len(pod.spec.containers or ()):
        return State.PENDING
    is_started = is_ready = True
    for container in status.container_statuses:
        if container.state.running is None:
            return _partly_running(pod, status.container_statuses)
        is_started = is_started and bool(container.started)
        is_ready = is_ready and container.ready
    return _running(is_started=is_started, is_ready=is_ready)


def has_ended(pod: Pod) -> bool:
    """Is the pod in a phase that it never leaves?"""
    return pod.status.phase in {"Succeeded", "Failed"}


def _running(*, is_started: bool, is_ready: bool) -> State:
    if is_ready:
        return State.READY
    return State.UNREADY if is_started else State.STARTING


def _partly_running(pod: Pod, told: tuple[ContainerStatus, ...]) -> State:
    """The state of the containers that have not ended for good; with none of them left the pod has ended."""
    over = are_over(pod)
    names = {container.name for container, _ in over}
    left = [container for container in told if container.name not in names]
    if not left:
        return State.FAILED if have_failed(over) else State.SUCCEEDED
    for container in left:
        if container.state.running is None:
            return _not_running(container)
    return _running(is_started=all(each.started for each in left), is_ready=all(each.ready for each in left))


def _not_running(container: ContainerStatus) -> State:
    if container.state.terminated is not None:
        return State.CRASHED
    waiting = container.state.waiting
    return _BY_REASON.get(waiting.reason, State.PENDING) if waiting is not None else State.PENDING


def restarts_of(pod: Pod) -> int:
    """How often its containers were started again."""
    return max((container.restart_count for container in pod.status.container_statuses or ()), default=0)


def flaps_of(pod: Pod) -> int:
    """How often it stopped being ready since its containers were started: its status' message keeps the count."""
    told = pod.status.message
    found = _FLAPS.fullmatch(told) if told else None
    return int(found[1]) if found else 0


def flaps_told(flaps: int) -> str | None:
    """The message that keeps the count."""
    return f"readiness flaps: {flaps}" if flaps else None


def since(pod: Pod, state: State, *, to: State) -> float:
    """From when the delay of a stage counts that leads from the pod's state to another, in seconds since 1970.

    Before its containers run, that is when the pod was bound, or (once that is told) started. Containers that run
    end by when they were started, and turn ready or not by when they last did. Back-off counts from their end.

    Args:
        pod: as it was seen last.
        state: the one that it is in, from ``state_of``.
        to: the one that the stage leads to; it makes a difference only while containers run.
    """
    status = pod.status
    if state is State.PENDING:
        bound = _turned(pod, "PodScheduled") if status.conditions else None
        return epoch(bound or pod.metadata.creation_timestamp)
    if state in WAITING:
        return epoch(status.start_time)
    containers = status.container_statuses or ()
    if state in RUNNING:
        starts = (each.state.running.started_at for each in containers if each.state.running)
        started = max(map(epoch, starts), default=0.0)
        is_turn = to in {State.READY, State.UNREADY}
        return max(started, epoch(_turned(pod, "ContainersReady"))) if is_turn else started
    ends = (each.state.terminated or each.last_state.terminated for each in containers)
    return max((epoch(end.finished_at) for end in ends if end), default=0.0)


def _turned(pod: Pod, kind: str) -> str | None:
    return next((each.last_transition_time for each in pod.status.conditions or () if each.type == kind), None)
