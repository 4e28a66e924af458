"""The ``containerStatuses`` of a pod, built from what was observed as the kubelet builds them.

Of the kubelet's convertToAPIContainerStatuses (v1.36) this is the half that a node with complete records needs: old
statuses are not consulted here, they have become attempts when the pod was taken over (``adoption``).
"""

from collections.abc import Iterable, Mapping

from autox.kube.objects import Object
from autox.nodes.process.status.crashloop import BackOff
from autox.nodes.process.status.podspec import ContainerSpec, PodSpec, Role
from autox.nodes.process.status.runtime_state import EXIT_LOST, ObservedAttempt, ObservedContainer, RuntimeState
from autox.nodes.timestamps import rfc3339

STATUS_UNKNOWN = "ContainerStatusUnknown"
START_ERROR = "StartError"
POD_MESSAGE_BYTES = 12 * 1024
"""All termination messages of a pod together; each container has an equal share."""

WHERE_GONE = "The container could not be located when the pod was terminated"


def container_id(uid: str, name: str, attempt: int) -> str:
    """``process://UID/NAME/ATTEMPT``: names one attempt, as a container runtime's id does.

    Args:
        uid: of the pod.
        name: of the container.
        attempt: its number; 0 for the first.
    """
    return f"process://{uid}/{name}/{attempt}"


def container_statuses(
    pod: PodSpec,
    specs: Iterable[ContainerSpec],
    seen: RuntimeState,
    *,
    images: Mapping[str, str],
    waits: Mapping[str, BackOff],
    over: bool,
) -> list[Object]:
    """One status for each container.

    Args:
        pod: whose they are.
        specs: the init containers, or the main ones.
        seen: what was observed.
        images: the image of each container, by container name.
        waits: the containers in back-off.
        over: the pod has ended: what was never started never will be.
    """
    share = POD_MESSAGE_BYTES // len(pod.containers)
    initialized = all(_initialized(spec, seen.container(spec.name)) for spec in pod.init)
    statuses = []
    for spec in specs:
        container = seen.container(spec.name)
        state, last_state = _states(pod, spec, container, waits.get(spec.name), share)
        if over and "terminated" not in state and (initialized or container.attempts):
            state = {"terminated": {"exitCode": EXIT_LOST, "reason": STATUS_UNKNOWN, "message": WHERE_GONE}}
        status: Object = {
            "name": spec.name,
            "image": images[spec.name],
            "imageID": images[spec.name] if container.attempts else "",
            "ready": _ready(spec, container),
            "started": "running" in state and container.started,
            "restartCount": container.attempts[-1].number if container.attempts else 0,
            "state": state,
            "lastState": last_state,
        }
        if container.attempts:
            status["containerID"] = container_id(pod.uid, spec.name, container.attempts[-1].number)
        statuses.append(status)
    return statuses


def _initialized(spec: ContainerSpec, container: ObservedContainer) -> bool:
    return container.started if spec.role is Role.SIDECAR else _succeeded(container)


def _succeeded(container: ObservedContainer) -> bool:
    return container.last is not None and container.last.exit_code == 0


def _ready(spec: ContainerSpec, container: ObservedContainer) -> bool:
    if spec.role is Role.INIT:
        return _succeeded(container)
    return container.running and container.ready


def _states(
    pod: PodSpec, spec: ContainerSpec, container: ObservedContainer, wait: BackOff | None, share: int
) -> tuple[Object, Object]:
    """The state and the last state."""
    last = container.last
    previous = {} if len(container.attempts) < 2 else _state(pod, spec, container.attempts[-2], share)
    if last is None:
        return _waiting(pod, container), {}
    if last.running:
        return (_waiting(pod, container) if container.hooking else _state(pod, spec, last, share)), previous
    ended = _state(pod, spec, last, share)
    if container.failure is not None:
        return _waiting(pod, container), ended
    if wait is None:
        return ended, previous
    if last.reason == START_ERROR:
        return {"waiting": {"reason": "RunContainerError", "message": _cut(last.message, share)}}, ended
    message = f"back-off {_duration(wait.seconds)} restarting failed container={spec.name} pod={pod.full_name}"
    return {"waiting": {"reason": "CrashLoopBackOff", "message": message}}, ended


def _waiting(pod: PodSpec, container: ObservedContainer) -> Object:
    if container.failure is not None:
        return {"waiting": {"reason": container.failure.reason, "message": container.failure.message}}
    return {"waiting": {"reason": "PodInitializing" if pod.init else "ContainerCreating"}}


def _state(pod: PodSpec, spec: ContainerSpec, attempt: ObservedAttempt, share: int) -> Object:
    if attempt.exit_code is None:
        return {"running": {"startedAt": rfc3339(attempt.started_at or 0.0)}}
    state: Object = {
        "exitCode": attempt.exit_code,
        "reason": attempt.reason,
        "containerID": container_id(pod.uid, spec.name, attempt.number),
        "startedAt": _instant(attempt.started_at),
        "finishedAt": _instant(attempt.finished_at),
    }
    if attempt.signal:
        state["signal"] = attempt.signal
    if attempt.message:
        state["message"] = _cut(attempt.message, share)
    return {"terminated": state}


def _instant(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


def _cut(text: str, share: int) -> str:
    """At most ``share`` bytes of UTF-8, no character cut in half."""
    return text.encode("utf-8", "replace")[:share].decode("utf-8", "ignore")


def _duration(seconds: float) -> str:
    """As Go prints it: ``10s``, ``2m40s``, ``500ms``."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"
