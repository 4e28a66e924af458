"""What is told of the containers of a simulated pod. Pure; ``podstatus`` tells the rest.

The containers of a pod share its fate: they start, turn ready and crash together; after a crash those stay ended
whose restart policy says so (``endings``). Init containers have completed by
the time that the others run, and sidecars live as long as the pod.
"""

from autox.kube.objects import Object
from autox.model.stages import ENDED, RUNNING, WAITING, State
from autox.nodes.mock.endings import is_over
from autox.nodes.mock.pods import Container, ContainerStatus, Pod, Terminated
from autox.nodes.mock.podstate import restarts_of
from autox.nodes.mock.steps import Step

_UNKNOWN = ContainerStatus()


def container_statuses(pod: Pod, step: Step, *, instant: str) -> Object:
    """``containerStatuses`` and, if there are any, ``initContainerStatuses``.

    Args:
        pod: as it was seen last; starts and ends that it tells of already are kept.
        step: what is next; its state and its restarts are what is told.
        instant: the time of what begins or ends with the step, such as ``2026-01-02T03:04:05Z``.
    """
    spec, told = pod.spec, pod.status
    main = told.container_statuses or ()
    statuses: Object = {
        "containerStatuses": [
            _main(pod, step, container, _of(main, container.name), instant=instant)
            for container in spec.containers or ()
        ]
    }
    if spec.init_containers:
        initial = told.init_container_statuses or ()
        started = next((at for each in main if (at := _started(each))), instant)
        statuses["initContainerStatuses"] = [
            _initial(pod, step, container, _of(initial, container.name), started=started, instant=instant)
            for container in spec.init_containers
        ]
    return statuses


def _of(told: tuple[ContainerStatus, ...], name: str) -> ContainerStatus:
    return next((each for each in told if each.name == name), _UNKNOWN)


def _started(told: ContainerStatus) -> str | None:
    """When a container that runs or has ended was started."""
    period = told.state.running or told.state.terminated
    return period.started_at if period is not None else None


def _main(pod: Pod, step: Step, container: Container, told: ContainerStatus, *, instant: str) -> Object:
    if told.state.terminated is not None and is_over(pod, container, told):
        return _over(pod, container, told, told.state.terminated)
    state = step.state
    is_again = step.restarts > restarts_of(pod)
    last, last_attempt = told.last_state.terminated, step.restarts - 1
    if is_again or state is State.CRASH_LOOP_BACK_OFF:
        last = told.state.terminated or last
        last_attempt = step.restarts - is_again
    status: Object = {
        "name": container.name,
        "image": container.image,
        "imageID": "" if state in WAITING else container.image,
        "ready": state is State.READY,
        "started": state in {State.READY, State.UNREADY},
        "restartCount": step.restarts,
    }
    identity = _identity(pod, container, step.restarts)
    if state not in WAITING:
        status["containerID"] = identity
    if state in RUNNING:
        started = told.state.running and told.state.running.started_at
        status["state"] = {"running": {"startedAt": started or instant}}
    elif state is State.CRASHED and step.stage is None and told.state.terminated is not None:
        status["state"] = {"terminated": _kept(told.state.terminated, identity)}
    elif state in ENDED or state is State.CRASHED:
        status["state"] = _terminated(step, identity, started=_started(told) or instant, finished=instant)
    else:
        status["state"] = {"waiting": _waiting(pod, step, container, told)}
    if last is not None:
        identity = _identity(pod, container, last_attempt)
        status["lastState"] = {"terminated": _kept(last, identity)}
    return status


def _over(pod: Pod, container: Container, told: ContainerStatus, end: Terminated) -> Object:
    """What was told of a container that has ended for good is told again, whatever becomes of the others."""
    identity = _identity(pod, container, told.restart_count)
    status: Object = {
        "name": container.name,
        "image": container.image,
        "imageID": container.image,
        "ready": False,
        "started": False,
        "restartCount": told.restart_count,
        "containerID": identity,
        "state": {"terminated": _kept(end, identity)},
    }
    if (last := told.last_state.terminated) is not None:
        status["lastState"] = {"terminated": _kept(last, _identity(pod, container, told.restart_count - 1))}
    return status


def _initial(
    pod: Pod, step: Step, container: Container, told: ContainerStatus, *, started: str, instant: str
) -> Object:
    """A sidecar runs as long as the pod; any other init container has completed before the pod's start."""
    is_sidecar = container.restart_policy == "Always"
    identity = _identity(pod, container, 0)
    status: Object = {
        "name": container.name,
        "image": container.image,
        "imageID": container.image,
        "ready": step.state not in ENDED or not is_sidecar,
        "started": is_sidecar and step.state not in ENDED,
        "restartCount": 0,
        "containerID": identity,
    }
    if step.state is State.CREATING:
        status |= {"imageID": "", "ready": False, "started": False, "state": {"waiting": {"reason": "PodInitializing"}}}
        del status["containerID"]
    elif not is_sidecar:
        done = told.state.terminated or Terminated(reason="Completed", started_at=started, finished_at=started)
        status["state"] = {"terminated": _kept(done, identity)}
    elif step.state in ENDED:
        status["state"] = _terminated(step, identity, started=_started(told) or started, finished=instant)
    else:
        status["state"] = {"running": {"startedAt": _started(told) or started}}
    return status


def _identity(pod: Pod, container: Container, attempt: int) -> str:
    """The id of a container; each start after the first has one of its own."""
    first = f"autox-mock://{pod.metadata.uid}/{container.name}"
    return f"{first}/{attempt}" if attempt > 0 else first


def _waiting(pod: Pod, step: Step, container: Container, told: ContainerStatus) -> Object:
    state, stage = step.state, step.stage
    if stage is None and told.state.waiting is not None:
        kept = told.state.waiting
        return {"reason": kept.reason} | ({"message": kept.message} if kept.message else {})
    waiting: Object = {"reason": state}
    if state is State.CREATING and pod.spec.init_containers:
        waiting["reason"] = "PodInitializing"
    if stage is not None and stage.message:
        waiting["message"] = stage.message
    elif state is State.CRASH_LOOP_BACK_OFF:
        name = f"{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})"
        waiting["message"] = f"back-off restarting failed container={container.name} pod={name}"
    return waiting


def _terminated(step: Step, identity: str, *, started: str, finished: str) -> Object:
    stage = step.stage
    exit_code = stage.exit_code if stage is not None else 0
    ending: Object = {
        "exitCode": exit_code,
        "reason": "Completed" if exit_code == 0 else "Error",
        "startedAt": started,
        "finishedAt": finished,
        "containerID": identity,
    }
    if stage is not None and stage.to is State.CRASHED:
        ending |= {key: text for key, text in (("reason", stage.reason), ("message", stage.message)) if text}
    return {"terminated": ending}


def _kept(ending: Terminated, identity: str) -> Object:
    kept: Object = {
        "exitCode": ending.exit_code,
        "reason": ending.reason,
        "startedAt": ending.started_at,
        "finishedAt": ending.finished_at,
        "containerID": identity,
    }
    return kept | ({"message": ending.message} if ending.message else {})
