"""What an agent asks of the part that serves the pods of its nodes, and what that part says about each node.

The agent owns everything that Kubernetes sees of a Node: the object, its heartbeats, its lease. A provider owns
the pods. They share nothing but these shapes, so that a provider can be written without reading the agent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """One node as its provider describes it.

    Attributes:
        name: name of the Node object.
        capacity: quantities by resource name, such as ``{"cpu": "2", "memory": "8Gi", "pods": "110"}``; all of it
            is allocatable.
        addresses: address by type, such as ``{"InternalIP": "127.5.0.1", "Hostname": "a-node-0"}``.
        labels: labels beside the ones that every node of ours carries.
        taints: taints that the Node is created with, each with key, effect and perhaps value; not kept afterwards.
        kubelet_port: where the API server finds this node's kubelet endpoints; None when it has none.
        declared_features: what the node says that its kubelet can do, in the words of Kubernetes' feature gates.
        is_found: somebody else made the Node; it is never made again, and keeps the labels that it has.
    """

    name: str
    capacity: Mapping[str, str]
    addresses: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    kubelet_port: int | None = None
    declared_features: tuple[str, ...] = ()
    is_found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFigures:
    """The pods on the nodes.

    Attributes:
        waiting: known now and Pending.
        running: known now and Running, those that crashed and will be started again included.
        ended: known now and Succeeded or Failed.
        retried: of all those, whose last request failed and will be repeated.
        writes: of a pod's status, in total.
        deletions: in total.
        interruptions: of the watches of pods, in total.
    """

    waiting: int = 0
    running: int = 0
    ended: int = 0
    retried: int = 0
    writes: int = 0
    deletions: int = 0
    interruptions: int = 0


class Registered(Protocol):
    """What a provider may know of its nodes once they are registered."""

    def created(self, name: str) -> float | None:
        """When the Node object was created, in seconds since 1970; None while it does not exist."""
        ...

    def hurry(self, name: str) -> None:
        """Have the node's status written soon: it may be thought dead, and is not."""
        ...


class Provider(Protocol):
    """Serves the pods that are bound to its nodes."""

    name: str
    """``process`` or ``mock``; the value of the label ``autox.dev/provider`` of its nodes."""

    def nodes(self) -> list[NodeSpec]:
        """The nodes to register, the same for as long as the provider lives."""
        ...

    def is_silent(self, name: str) -> bool:
        """Whether a node shall not be heard of now: its lease is not renewed and its status not written."""
        ...

    async def run(self, nodes: Registered) -> None:
        """Serve pods until cancelled; pods outlive it, as they outlive a kubelet that is restarted."""
        ...


def total(parts: Iterable[PodFigures]) -> PodFigures:
    """The pods of several servers together; nothing for none."""
    every = tuple(parts)
    return PodFigures(
        waiting=sum(each.waiting for each in every),
        running=sum(each.running for each in every),
        ended=sum(each.ended for each in every),
        retried=sum(each.retried for each in every),
        writes=sum(each.writes for each in every),
        deletions=sum(each.deletions for each in every),
        interruptions=sum(each.interruptions for each in every),
    )
