"""Finds the Node objects that an agent is to take over: those that a user made beforehand, with labels of their own.

So a cluster's nodes can be described by whatever describes the rest of it, each of another size, zone and taint, while
``registration`` next door makes nodes that are all alike. Looked for once, when the agent starts: who adds nodes starts
an agent for them, or this one again. Rejected: following the selection for ever; an agent would then take in whatever
gets a label later, a real node by mistake as well.
"""

from contextlib import aclosing

from autox.kube.client import KubeClient
from autox.kube.listing import Query
from autox.kube.objects import Object, metadata
from autox.model.errors import ConfigurationError
from autox.model.nodes import FoundNode
from autox.model.refs import NODES


async def find(kube: KubeClient, selector: str) -> tuple[FoundNode, ...]:
    """The Nodes with these labels, by name.

    Raises:
        ConfigurationError: there are none.
        AutoxError: the API server cannot be reached, or refuses.
    """
    found = []
    async with aclosing(kube.pages(Query(resource=NODES, label_selector=selector), chunk=500)) as pages:
        async for page in pages:
            found += [_found(node) for node in page.items]
    if not found:
        raise ConfigurationError(
            f"no node has the labels {selector}", hint="make the Node objects first; kubectl get nodes --show-labels"
        )
    return tuple(sorted(found, key=lambda node: node.name))


def _found(node: Object) -> FoundNode:
    status = node.get("status") or {}
    return FoundNode(
        name=metadata(node)["name"],
        capacity=status.get("capacity") or {},
        addresses={each["type"]: each["address"] for each in status.get("addresses") or ()},
    )
