"""Puts an agent of mock nodes with kubelet endpoints together.

``nodes`` next door loads this only where it is used.
"""

from collections.abc import Mapping

from autox.model.nodes import KubeletEndpoint, MockNodes, NodesConfig
from autox.nodes.agent import agent
from autox.nodes.kubelet.places import places_of
from autox.nodes.kubelet.reviews import Reviews
from autox.nodes.kubelet.server import KubeletServer
from autox.nodes.mock.endpoints import MockEndpoints
from autox.nodes.mock.pod_lister import PodLister
from autox.nodes.mock.provider import MockProvider
from autox.nodes.node.clients import NodeClients


def serving(
    config: NodesConfig, nodes: MockNodes, kubelet: KubeletEndpoint, clients: Mapping[str, NodeClients]
) -> agent.Serving:
    """What serves the pods of these nodes, and answers for their kubelets.

    Args:
        config: of the agent; of it the pods' addresses.
        nodes: which nodes, and what their pods do.
        kubelet: where their kubelet endpoints are.
        clients: of each node, by its name; at least one. The first of them asks what clients of the endpoints may do.
    """
    pod_lister = PodLister()
    provider = MockProvider(clients, nodes, pod_cidr=config.pod_cidr, kubelet=kubelet, pod_lister=pod_lister)
    specs = provider.nodes()
    kubes = {name: each.kube for name, each in clients.items()}
    server = KubeletServer(
        kubelet,
        MockEndpoints(kubes, pod_lister, specs).routes(),
        places=places_of(specs),
        reviews=Reviews(next(iter(kubes.values()))),
    )
    return agent.Serving(provider=provider, endpoints=server.run, pods=provider.figures)
