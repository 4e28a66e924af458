"""Takes over a pod that ran before this node process started: from its records and from what its status says.

A record is the truth about an attempt. Where there is none (the state directory was lost, or the machine was), the
status tells that there was an attempt: one that it calls running is lost now, and no attempt ever gets a number that
the status has already given out.
"""

from collections.abc import Iterable
from dataclasses import replace

from autox.kube.objects import Object
from autox.nodes.process.runtime.attempts import ContainerRecord, ContainerState
from autox.nodes.process.status.containerstatus import STATUS_UNKNOWN, WHERE_GONE
from autox.nodes.process.status.runtime_state import EXIT_LOST, ObservedAttempt
from autox.nodes.timestamps import epoch


def reported_attempts(pod: Object) -> dict[str, tuple[ObservedAttempt, ...]]:
    """The attempts of each container that the status of a pod tells of, by container name, oldest first."""
    return {container["name"]: tuple(_attempts(container)) for container in _told(pod)}


def reported_health(pod: Object, name: str, container_id: str) -> tuple[bool, bool]:
    """Whether the status of a pod calls this attempt of a container started and ready.

    Args:
        pod: the Pod object.
        name: of the container.
        container_id: of the attempt; both are False when the status tells of another one.
    """
    status = next((told for told in _told(pod) if told["name"] == name), {})
    same = status.get("containerID") == container_id
    return same and bool(status.get("started")), same and bool(status.get("ready"))


def _told(pod: Object) -> list[Object]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def recorded_attempt(record: ContainerRecord) -> ObservedAttempt:
    """What a record says of an attempt."""
    if record.state is ContainerState.RUNNING:
        return ObservedAttempt(number=record.key.attempt, started_at=record.started_at)
    if record.exit_code is None:
        attempt = lost(record.key.attempt, started_at=record.started_at)
        return replace(attempt, finished_at=record.finished_at)
    return ObservedAttempt(
        number=record.key.attempt,
        started_at=record.started_at,
        finished_at=record.finished_at,
        exit_code=record.exit_code,
        signal=record.signal,
        reason="Error" if record.exit_code else "Completed",
    )


def merge_attempts(
    recorded: Iterable[ObservedAttempt], reported: Iterable[ObservedAttempt]
) -> tuple[ObservedAttempt, ...]:
    """All attempts of one container, oldest first; of one number the record counts."""
    known = {attempt.number: attempt for attempt in reported}
    for attempt in recorded:
        told = known.get(attempt.number)
        # NB: of an attempt that ended the status has the better account, its termination message included.
        if told is None or told.exit_code is None or told.reason == STATUS_UNKNOWN:
            known[attempt.number] = attempt
    return tuple(known[number] for number in sorted(known))


def _attempts(container: Object) -> Iterable[ObservedAttempt]:
    restarts = int(container.get("restartCount", 0))
    state, last = container.get("state") or {}, (container.get("lastState") or {}).get("terminated")
    running, terminated = state.get("running"), state.get("terminated")
    newest = terminated or None
    if last and (running or newest):
        yield _ended(restarts - 1, last)
    elif last:
        newest = last  # it waits for a restart: the attempt that ended is the newest one
    if newest:
        yield _ended(restarts, newest)
    elif running:
        started = running.get("startedAt")
        yield lost(restarts, started_at=epoch(started) if started else None)
    elif restarts:
        yield lost(restarts, started_at=None)


def lost(number: int, *, started_at: float | None) -> ObservedAttempt:
    """An attempt of which nothing can be found any more."""
    return ObservedAttempt(
        number=number, started_at=started_at, exit_code=EXIT_LOST, reason=STATUS_UNKNOWN, message=WHERE_GONE
    )


def _ended(number: int, terminated: Object) -> ObservedAttempt:
    started, finished = terminated.get("startedAt"), terminated.get("finishedAt")
    return ObservedAttempt(
        number=max(number, 0),
        started_at=epoch(started) if started else None,
        finished_at=epoch(finished) if finished else None,
        exit_code=int(terminated.get("exitCode", EXIT_LOST)),
        signal=terminated.get("signal"),
        reason=terminated.get("reason", ""),
        message=terminated.get("message", ""),
    )
