"""Puts an agent of mock nodes together: the provider, and the kubelet endpoints if they are wanted.

``nodes`` next door loads this only where it is used.
"""

from collections.abc import Mapping

from autox.model.nodes import MockNodes, NodesConfig
from autox.nodes import agent
from autox.nodes.clients import NodeClients
from autox.nodes.kubelet.places import places_of
from autox.nodes.kubelet.reviews import Reviews
from autox.nodes.kubelet.server import KubeletServer
from autox.nodes.mock.endpoints import MockEndpoints
from autox.nodes.mock.provider import MockProvider
from autox.nodes.mock.residents import Residents


def serving(config: NodesConfig, nodes: MockNodes, clients: Mapping[str, NodeClients]) -> agent.Serving:
    """What serves the pods of these nodes; where there are no kubelet endpoints, no pod is kept for them."""
    if config.kubelet is None:
        return agent.Serving(provider=MockProvider(clients, nodes, pod_cidr=config.pod_cidr))
    residents = Residents()
    provider = MockProvider(clients, nodes, pod_cidr=config.pod_cidr, kubelet=config.kubelet, residents=residents)
    specs = provider.nodes()
    kubes = {name: each.kube for name, each in clients.items()}
    server = KubeletServer(
        config.kubelet,
        MockEndpoints(kubes, residents, specs).routes(),
        places=places_of(specs),
        reviews=Reviews(next(iter(kubes.values()))),
    )
    return agent.Serving(provider=provider, endpoints=server.run)
