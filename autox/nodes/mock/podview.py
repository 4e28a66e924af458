"""What the kubelet endpoints of mock nodes know of pods: the shape, and who must be able to give it.

The provider keeps of a pod what simulating it needs; logs, usage and statistics need another, equally small part. It
stands here and not in the provider, so that the endpoints can be read, and tested, without the provider's watch and
writes. ``usage``, ``logs`` and ``metering`` next door turn it into what a kubelet would measure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


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
        """The pod of that name on a node; the newest, should one that is ending have the name too."""
        ...
