"""The pods of the mock nodes of one agent, in one of two modes.

Cheap: one identity and one watch for all nodes, which is what a load test of thousands of nodes wants. The identity
needs: nodes create, get, list, watch, patch; nodes/status and pods/status patch; pods list, watch, delete; leases
create, get, update; with kubelet endpoints, tokenreviews and subjectaccessreviews create as well.

Faithful: each node has the identity of its own, ``system:node:NAME`` in ``system:nodes``, a kubelet's watches of its
own pods, its own Node and all Services, and a kubelet's client limits, so that the API server and its authorizers have
the work that real nodes give them. The agent's identity needs no more than to impersonate those users and that group.

Mock nodes are at the place that the kubelet endpoints give each of them; without those they share a loopback address.
The ``hostIP`` of their pods is not on loopback in either case, for an EndpointSlice lists no pod with such an address.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import aclosing
from ipaddress import IPv4Network

import msgspec

from autox.core.pods.stagetable import STANDARD_TABLE
from autox.kube.client import KubeClient
from autox.kube.decoders import StructDecoder
from autox.kube.listing import Query
from autox.kube.watch import watch_as
from autox.model.nodes import FoundNode, KubeletEndpoint, MockNodes, Mode
from autox.model.refs import PODS, SERVICES
from autox.nodes.kubelet.remotecommand import EXEC_BY_WEB_SOCKET
from autox.nodes.mock.outages import Outages
from autox.nodes.mock.plan import Plan
from autox.nodes.mock.pod_lister import PodLister
from autox.nodes.mock.pods import Metadata
from autox.nodes.mock.serving import PodServer
from autox.nodes.node.clients import NodeClients
from autox.nodes.provider import NodeSpec, PodFigures, Registered, total
from autox.nodes.services.addresses import AddressPool, loopback

_CAPACITY = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110"}


class _Service(msgspec.Struct, frozen=True, gc=False):
    """A Service: nothing of it is read."""

    metadata: Metadata = Metadata()


class MockProvider:
    """The pods of the mock nodes."""

    name = "mock"

    def __init__(
        self,
        clients: Mapping[str, NodeClients],
        nodes: MockNodes,
        *,
        pod_cidr: IPv4Network,
        kubelet: KubeletEndpoint | None = None,
        pod_lister: PodLister | None = None,
    ) -> None:
        """Nothing is read or written before ``run``.

        Args:
            clients: of each node, by its name: the same ones for all in cheap mode.
            nodes: which nodes, and what their pods do.
            pod_cidr: the pods' addresses.
            kubelet: where their kubelet endpoints are; None where they have none.
            pod_lister: is told of every pod, for those endpoints.
        """
        self._clients = clients
        self._nodes = nodes
        self._kubelet = kubelet
        self._pod_lister = pod_lister
        self._plan = Plan(table=nodes.stages or STANDARD_TABLE, run_seconds=nodes.run_seconds)
        self._host_ip = str(pod_cidr.network_address + 1)
        self._addresses = AddressPool(str(pod_cidr))
        self._outages = Outages(self._plan.table, nodes.names(), on_end=self._resume)
        self._servers: dict[str, PodServer] = {}

    def nodes(self) -> list[NodeSpec]:
        """All nodes alike, of the size that KWOK gives its own; those that were found keep what they say."""
        return [self._spec(index, name) for index, name in enumerate(self._nodes.names())]

    def is_silent(self, name: str) -> bool:
        """Whether an outage has befallen a node."""
        return name in self._outages

    def figures(self) -> PodFigures:
        """How many pods there are on all nodes, and what was done about them."""
        return total(server.figures() for server in self._different_servers())

    async def run(self, nodes: Registered) -> None:
        """Serve pods until cancelled; the next agent continues from their status."""
        names = self._nodes.names()
        if self._nodes.mode is Mode.CHEAP:
            self._servers = dict.fromkeys(names, self._server("spec.nodeName!=", names))
        else:
            self._servers = {name: self._server(f"spec.nodeName={name}", [name]) for name in names}
        async with asyncio.TaskGroup() as parts:
            for server in self._different_servers():
                parts.create_task(server.run())
            if self._nodes.mode is Mode.FAITHFUL:
                for name in names:
                    parts.create_task(_follow_services(self._clients[name].kube))
            if self._plan.table.outages:
                parts.create_task(self._outages.run(nodes))

    def _spec(self, index: int, name: str) -> NodeSpec:
        address, port = (loopback(self._host_ip), None) if self._kubelet is None else self._kubelet.place(index)
        found = self._nodes.found[index] if self._nodes.found else FoundNode(name=name)
        return NodeSpec(
            name=name,
            capacity={**_CAPACITY, **self._nodes.capacity, **found.capacity},
            # NB: where there are kubelet endpoints, they are at the agent's own places.
            addresses=(not port and found.addresses) or {"InternalIP": address, "Hostname": name},
            labels=self._nodes.labels,
            taints=self._nodes.taints,
            kubelet_port=port,
            declared_features=() if port is None else (EXEC_BY_WEB_SOCKET,),
            is_found=bool(self._nodes.found),
        )

    def _different_servers(self) -> Collection[PodServer]:
        return {id(each): each for each in self._servers.values()}.values()

    def _resume(self, name: str) -> None:
        self._servers[name].resume(name)

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
            silent=self._outages,
            pod_lister=self._pod_lister,
        )


async def _follow_services(kube: KubeClient) -> None:
    """Watch all Services, as a kubelet does for the variables of its containers, and do nothing with them."""
    async with aclosing(watch_as(StructDecoder(_Service), kube, Query(resource=SERVICES))) as events:
        async for _ in events:
            pass
