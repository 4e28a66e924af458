"""From a pod as the provider keeps it to what the kubelet endpoints know of it. Pure.

All that the endpoints need to know of time stands in the pod's status, so that a restarted agent says the same as the
one before it.
"""

from collections.abc import Iterable, Mapping

from autox.nodes.mock.pods import Container, ContainerState, ContainerStatus, Pod
from autox.nodes.mock.podview import Attempt, ContainerView, PodView
from autox.nodes.timestamps import epoch


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
