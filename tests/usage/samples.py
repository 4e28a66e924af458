"""Pods as the kubelet endpoints of mock nodes know them."""

from dataclasses import dataclass, field, replace

from autox.nodes.mock.podview import Attempt, ContainerView, PodView

START = 1_800_000_000.0
"""When the containers of these samples were started, in seconds since 1970."""

NODE = "node-0"


def container(name: str = "app", *, started: float = START, requests: dict[str, str] | None = None) -> ContainerView:
    """A container that runs."""
    return ContainerView(name=name, image="shop/app:1", requests=requests or {}, attempt=Attempt(started=started))


def pod(*containers: ContainerView, uid: str = "uid-1", name: str = "web", **annotations: str) -> PodView:
    """A pod with these containers, or one; annotations as ``cpu_usage="1"`` for ``autox.dev/cpu-usage: "1"``."""
    return PodView(
        uid=uid,
        namespace="shop",
        name=name,
        annotations={f"autox.dev/{key.replace('_', '-')}": value for key, value in annotations.items()},
        started=START,
        containers=containers or (container(),),
    )


def restarted(view: PodView, *, at: float) -> PodView:
    """The same pod after its first container ended and was started again, both at a time."""
    first, *others = view.containers
    assert first.attempt is not None
    again = replace(first, before=replace(first.attempt, ended=at), attempt=Attempt(started=at))
    return replace(view, containers=(again, *others))


@dataclass(slots=True)
class Residents:
    """Pods that stay as they are until a test changes them; all on one node."""

    views: list[PodView] = field(default_factory=list)

    def pods(self, node: str) -> list[PodView]:
        """Those of the node."""
        return self.views if node == NODE else []

    def pod(self, node: str, namespace: str, name: str) -> PodView | None:
        """The one of that name."""
        return next((one for one in self.pods(node) if (one.namespace, one.name) == (namespace, name)), None)
