"""The pods of the mock nodes of one agent, in one of two modes.

Cheap: one identity and one watch for all nodes, which is what a load test of thousands of nodes wants. The identity
needs: nodes create, get, list, watch, patch; nodes/status and pods/status patch; pods list, watch, delete; leases
create, get, update.

Faithful: each node has the identity of its own, ``system:node:NAME`` in ``system:nodes``, a kubelet's watches of its
own pods, its own Node and all Services, and a kubelet's client limits, so that the API server and its authorizers have
the work that real nodes give them. The agent's identity needs no more than to impersonate those users and that group.

Mock nodes have a loopback address of their own, and the ``hostIP`` of their pods is the published form of it, for an
EndpointSlice lists no pod with a loopback address.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import aclosing
from ipaddress import IPv4Network

import msgspec

from autox.kube.client import KubeClient
from autox.kube.listing import Query
from autox.kube.shapes import Structs
from autox.kube.watch import watch_as
from autox.model.nodes import MockNodes, Mode
from autox.model.refs import PODS, SERVICES
from autox.nodes.clients import NodeClients
from autox.nodes.mock.deciding import Plan
from autox.nodes.mock.pods import Metadata
from autox.nodes.mock.serving import PodServer
from autox.nodes.provider import NodeSpec
from autox.nodes.services.addresses import AddressPool, loopback

_CAPACITY = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110"}


class _Service(msgspec.Struct, frozen=True, gc=False):
    """A Service: nothing of it is read."""

    metadata: Metadata = Metadata()


class MockProvider:
    """The pods of the mock nodes."""

    name = "mock"

    def __init__(self, clients: Mapping[str, NodeClients], nodes: MockNodes, *, pod_cidr: IPv4Network) -> None:
        """Nothing is read or written before ``run``.

        Args:
            clients: of each node, by its name: the same ones for all in cheap mode.
            nodes: which nodes, and what their pods do.
            pod_cidr: the pods' addresses.
        """
        self._clients = clients
        self._nodes = nodes
        self._plan = Plan(run_seconds=nodes.run_seconds)
        self._host_ip = str(pod_cidr.network_address + 1)
        self._addresses = AddressPool(str(pod_cidr))

    def nodes(self) -> list[NodeSpec]:
        """All nodes alike, of the size that KWOK gives its own, sharing one address."""
        address = loopback(self._host_ip)
        return [
            NodeSpec(name=name, capacity=_CAPACITY, addresses={"InternalIP": address, "Hostname": name})
            for name in self._nodes.names()
        ]

    async def run(self) -> None:
        """Serve pods until cancelled; the next agent continues from their status."""
        names = self._nodes.names()
        if self._nodes.mode is Mode.CHEAP:
            await self._server("spec.nodeName!=", names).run()
            return
        async with asyncio.TaskGroup() as kubelets:
            for name in names:
                kubelets.create_task(self._server(f"spec.nodeName={name}", [name]).run())
                kubelets.create_task(_follow_services(self._clients[name].kube))

    def _server(self, selector: str, names: Collection[str]) -> PodServer:
        clients = self._clients[next(iter(names))]
        return PodServer(
            clients.kube,
            clients.bulk,
            Query(resource=PODS, field_selector=selector),
            frozenset(names),
            plan=self._plan,
            host_ip=self._host_ip,
            addresses=self._addresses,
        )


async def _follow_services(kube: KubeClient) -> None:
    """Watch all Services, as a kubelet does for the variables of its containers, and do nothing with them."""
    async with aclosing(watch_as(Structs(_Service), kube, Query(resource=SERVICES))) as events:
        async for _ in events:
            pass
