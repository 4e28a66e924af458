"""Nodes that exist already: finds those that an agent is to take over, and adopts one that nobody serves.

Found are the Node objects that a user made beforehand, with labels of their own. So a cluster's nodes can be described
by whatever describes the rest of it, each of another size, zone and taint, while ``registration`` next door makes nodes
that are all alike. Looked for once, when the agent starts: who adds nodes starts an agent for them, or this one again.
Rejected: following the selection for ever; an agent would then take in whatever gets a label later, a real node by
mistake as well.

Adopted is one of these, or one of an agent before this one. Whose it is, its labels say; what is somebody else's stays
as it is, and the error says what to do. ``registration`` asks for it when there is a Node of that name, and keeps it
from then on.
"""

from contextlib import aclosing

import msgspec

from autox.kube.client import KubeClient
from autox.kube.listing import Query
from autox.kube.objects import Object, PatchType, metadata
from autox.model.errors import ConfigurationError, NotOursError, ServerError
from autox.model.nodes import FoundNode
from autox.model.refs import NODES
from autox.nodes.node.nodeobject import Machine, node_labels
from autox.nodes.node.nodeview import NodeView, node_from
from autox.nodes.provider import NodeSpec


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


async def adopt(kube: KubeClient, spec: NodeSpec, *, provider: str, machine: Machine) -> NodeView:
    """The existing Node of that name, with our labels as they should be.

    Args:
        kube: the client.
        spec: the node.
        provider: name of its provider.
        machine: where the agent runs.

    Raises:
        NotOursError: somebody else serves it, or may; nothing of it was changed.
        AutoxError: the API server cannot be reached, refuses, or has no such Node.
    """
    found = await kube.get(NODES, spec.name)
    try:
        node = node_from(found)
    except msgspec.ValidationError as error:
        raise ServerError(f"GET {NODES.plural} {spec.name}: the server sent something else") from error
    if not node.is_ours(provider) and not (spec.is_found and node.is_free()):
        if spec.is_found:
            raise NotOursError(
                f"node {spec.name} is there, but a kubelet or another agent serves it",
                hint="choose labels that no such node has",
            )
        raise NotOursError(
            f"there is a node {spec.name} which no autox agent with provider {provider} registered",
            hint=f"choose another node name, or, if nothing serves that node: kubectl delete node {spec.name}",
        )
    labels = node_labels(spec, provider=provider, machine=machine)
    if spec.is_found:
        labels = {key: value for key, value in labels.items() if key not in node.labels}
    if not labels.items() <= node.labels.items():
        patch = {"metadata": {"uid": node.metadata.uid, "labels": labels}}
        await kube.patch(NODES, spec.name, patch, patch_type=PatchType.STRATEGIC)
    return node
