"""What the kubelet endpoints of mock nodes know of pods: the shape, who must be able to give it, and how. Pure.

The provider keeps of a pod what simulating it needs; logs, usage and statistics need another, equally small part. It
stands here and not in the provider, so that the endpoints can be read, and tested, without the provider's watch and
writes. All that they need to know of time stands in the pod's status, so that a restarted agent says the same as the
one before it. ``usage``, ``logs`` and ``metering`` next door turn it into what a kubelet would measure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from autox.nodes.mock.pods import Container, ContainerState, ContainerStatus, Pod
from autox.nodes.timestamps import epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of a container.

    Attributes:
        started: since when, in seconds since 1970.
        ended: until when; None while it runs.
    """

    started: float
    ended: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerView:
    """One container.

    Attributes:
        name: its name in the pod.
        image: what it would run.
        requests: quantities by resource name, as the pod requests them.
        is_init: it ends before the others begin; a sidecar is none.
        attempt: the latest run, which may be over; None before the first.
        before: the run before the latest, where there was one.
        waiting: why there is no first run yet.
    """

    name: str
    image: str = ""
    requests: Mapping[str, str] = field(default_factory=dict)
    is_init: bool = False
    attempt: Attempt | None = None
    before: Attempt | None = None
    waiting: str = "ContainerCreating"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """One pod on a mock node.

    Attributes:
        uid: identity of this pod among all that have or had its name.
        namespace: where it is.
        name: its name there.
        annotations: those of the pod.
        started: when the node took it on, in seconds since 1970; None before that.
        containers: all of them, init containers first.
    """

    uid: str
    namespace: str
    name: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    started: float | None = None
    containers: tuple[ContainerView, ...] = ()


class NodePods(Protocol):
    """Knows the pods of the mock nodes of one agent."""

    def pods(self, node: str) -> Iterable[PodView]:
        """The pods that are bound to a node and not gone yet; none for a node that is not this agent's."""
        ...

    def pod(self, node: str, namespace: str, name: str) -> PodView | None:
        """The pod of that name on a node, if there is one.

        Args:
            node: name of the Node.
            namespace: where the pod is.
            name: its name there; the newest counts, should one that is ending have the name too.
        """
        ...


def view_of(pod: Pod) -> PodView:
    """What the endpoints know of a pod."""
    meta, spec, status = pod.metadata, pod.spec, pod.status
    initial = _views(spec.init_containers, status.init_container_statuses, are_initial=True)
    return PodView(
        uid=meta.uid,
        namespace=meta.namespace,
        name=meta.name,
        annotations=meta.annotations or {},
        started=epoch(status.start_time) if status.start_time else None,
        containers=(*initial, *_views(spec.containers, status.container_statuses, are_initial=False)),
    )


def _views(
    containers: Iterable[Container] | None, statuses: Iterable[ContainerStatus] | None, *, are_initial: bool
) -> list[ContainerView]:
    told = {status.name: status for status in statuses or ()}
    return [
        _view(container, told, is_init=are_initial and container.restart_policy != "Always")
        for container in containers or ()
    ]


def _view(container: Container, told: Mapping[str, ContainerStatus], *, is_init: bool) -> ContainerView:
    status = told.get(container.name, ContainerStatus())
    runs = [run for run in (_attempt(status.last_state), _attempt(status.state)) if run is not None]
    waiting = status.state.waiting
    return ContainerView(
        name=container.name,
        image=container.image,
        requests=_requests(container),
        is_init=is_init,
        attempt=runs[-1] if runs else None,
        before=runs[-2] if len(runs) > 1 else None,
        waiting=waiting.reason if waiting is not None else "ContainerCreating",
    )


def _requests(container: Container) -> dict[str, str]:
    requests = container.resources.requests if container.resources is not None else None
    if requests is None:
        return {}
    told = {"cpu": requests.cpu, "memory": requests.memory}
    return {resource: quantity for resource, quantity in told.items() if quantity is not None}


def _attempt(state: ContainerState) -> Attempt | None:
    if state.running is not None and state.running.started_at:
        return Attempt(started=epoch(state.running.started_at))
    over = state.terminated
    if over is not None and over.started_at and over.finished_at:
        return Attempt(started=epoch(over.started_at), ended=epoch(over.finished_at))
    return None
