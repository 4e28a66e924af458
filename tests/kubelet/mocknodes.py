"""Mock nodes behind one server, whose pods are what a test says."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import psutil

from autox.kube.client import KubeClient
from autox.model.nodes import KubeletEndpoint
from autox.nodes.kubelet.places import places_of
from autox.nodes.kubelet.reviews import Reviews
from autox.nodes.kubelet.server import KubeletServer
from autox.nodes.mock.endpoints import MockEndpoints
from autox.nodes.mock.podview import NodePods
from autox.nodes.provider import NodeSpec
from tests.kubelet.answering import answers


class Clock:
    """A time that only moves when a test says so."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Now."""
        return self.now


def specs(names: Iterable[str], endpoint: KubeletEndpoint, *, share_address: bool = False) -> list[NodeSpec]:
    """Nodes of 8 GiB, each where the endpoint has place for it, or all at its address on different ports."""
    made = []
    for index, name in enumerate(names):
        address, port = (endpoint.address, endpoint.port + index) if share_address else endpoint.place(index)
        made.append(
            NodeSpec(
                name=name,
                capacity={"cpu": "4", "memory": "8Gi", "pods": "110"},
                addresses={"InternalIP": address, "Hostname": name},
                kubelet_port=port,
            )
        )
    return made


@asynccontextmanager
async def serving(
    endpoint: KubeletEndpoint,
    nodes: list[NodeSpec],
    pods: NodePods,
    *,
    kube: KubeClient,
    reviews: Reviews | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[dict[str, str]]:
    """The endpoints while they are served; the URL of each node by its name."""
    kubes = dict.fromkeys([spec.name for spec in nodes], kube)
    endpoints = MockEndpoints(kubes, pods, nodes, clock=clock or time.time)
    places = places_of(nodes)
    server = KubeletServer(endpoint, endpoints.routes(), places=places, reviews=reviews)
    running = asyncio.create_task(server.run())
    await answers(*next(iter(places)), running)
    try:
        yield {name: f"https://{address}:{port}" for (address, port), name in places.items()}
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await _closed({port for _, port in places})


async def _closed(ports: set[int]) -> None:
    """Wait until the last connection is closed: with TLS, the other side has to agree."""
    this = psutil.Process()
    while any(one.laddr.port in ports for one in this.net_connections()):  # noqa: ASYNC110  - the kernel knows
        await asyncio.sleep(0.01)
