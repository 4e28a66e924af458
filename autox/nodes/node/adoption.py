"""Adopts a Node that exists already: one of an agent before this one, or one that was found and that nobody serves.

Whose it is, its labels say; what is somebody else's stays as it is, and the error says what to do. ``registration``
next door asks for it when there is a Node of that name, and keeps it from then on.
"""

import msgspec

from autox.kube.client import KubeClient
from autox.kube.objects import PatchType
from autox.model.errors import NotOursError, ServerError
from autox.model.refs import NODES
from autox.nodes.node.nodeobject import Machine, node_labels
from autox.nodes.node.nodeview import NodeView, node_from
from autox.nodes.provider import NodeSpec


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
