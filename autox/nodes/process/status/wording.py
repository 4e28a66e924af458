"""The Events of a pod in the kubelet's words: each is a function, so that wording stands in one place.

Messages of hooks are never told: they may carry secrets.
"""

from dataclasses import dataclass

from autox.kube.events import EventType
from autox.kube.objects import Object
from autox.nodes.process.status.podspec import PodSpec, Role
from autox.nodes.process.status.podstatus import DEADLINE_MESSAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One Event, of a pod or of one of its containers."""

    reason: str
    message: str
    warning: bool = False
    container: str = ""

    @property
    def type(self) -> EventType:
        """The type of the Event."""
        return "Warning" if self.warning else "Normal"


def reference(pod: PodSpec, notice: Notice) -> Object:
    """What the Event is about; the field path is how ``kubectl describe`` knows the container."""
    about = {"apiVersion": "v1", "kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid}
    if notice.container:
        main = any(spec.name == notice.container and spec.role is Role.MAIN for spec in pod.containers)
        about["fieldPath"] = f"spec.{'containers' if main else 'initContainers'}{{{notice.container}}}"
    return about


def created(container: str) -> Notice:
    """Its process is prepared."""
    return Notice(reason="Created", message="Container created", container=container)


def started(container: str) -> Notice:
    """Its process runs."""
    return Notice(reason="Started", message="Container started", container=container)


def not_created(container: str, message: str) -> Notice:
    """It could not be prepared, or its command could not be executed."""
    return Notice(reason="Failed", message=f"Error: {message}", warning=True, container=container)


def killing(container: str, message: str) -> Notice:
    """It is about to be stopped."""
    return Notice(reason="Killing", message=message, container=container)


def back_off(pod: PodSpec, container: str) -> Notice:
    """It has to wait before it is started again."""
    message = f"Back-off restarting failed container {container} in pod {pod.full_name}"
    return Notice(reason="BackOff", message=message, warning=True, container=container)


def unhealthy(container: str, probe: str, message: str) -> Notice:
    """A probe failed.

    Args:
        container: its name.
        probe: ``Liveness``, ``Readiness`` or ``Startup``.
        message: what the probe found.
    """
    return Notice(reason="Unhealthy", message=f"{probe} probe failed: {message}", warning=True, container=container)


def post_start_failed(container: str) -> Notice:
    """Its postStart hook failed."""
    return Notice(reason="FailedPostStartHook", message="PostStartHook failed", warning=True, container=container)


def pre_stop_failed(container: str) -> Notice:
    """Its preStop hook failed."""
    return Notice(reason="FailedPreStopHook", message="PreStopHook failed", warning=True, container=container)


def failed_mount(message: str) -> Notice:
    """A volume cannot be set up."""
    return Notice(reason="FailedMount", message=message, warning=True)


def deadline_exceeded() -> Notice:
    """The pod was too slow."""
    return Notice(reason="DeadlineExceeded", message=DEADLINE_MESSAGE)


def failed_sync(message: str) -> Notice:
    """The node itself met something unexpected while serving the pod."""
    return Notice(
        reason="FailedSync", message=f"error serving the pod, it will be tried again: {message}", warning=True
    )
