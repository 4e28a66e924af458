"""The process provider: nodes whose pods are processes of this machine, whose processors and memory all of them share.

Only wiring: it gives every part what it needs of the others, runs them side by side, and stops them in an order that
leaves every container running, so that the next provider on the same state directory takes them over.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing
from ipaddress import IPv4Network
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from autox.kube.client import KubeClient
from autox.kube.events import EventRecorder
from autox.kube.objects import Object
from autox.kube.watch import watch
from autox.model.errors import ConfigurationError
from autox.model.nodes import NodesConfig
from autox.model.refs import PODS
from autox.nodes.process.clock import SystemClock
from autox.nodes.process.pod.directory import PodDirectory
from autox.nodes.process.pod.dispatch import PodDispatch
from autox.nodes.process.pod.sandbox import NodeFacts, PodSandbox
from autox.nodes.process.pod.worker import NodeParts, PodWorker
from autox.nodes.process.runtime.attempts import ContainerRecord, pod_folder
from autox.nodes.process.runtime.containers import ContainerRuntime
from autox.nodes.process.status.crashloop import CrashLoop
from autox.nodes.process.status.podstatus import PodAddresses
from autox.nodes.process.volumes.sources import Sources
from autox.nodes.provider import NodeSpec, Registered
from autox.nodes.services.addresses import AddressPool, loopback
from autox.nodes.services.forwarder import ServiceForwarder
from autox.nodes.services.variables import service_environment

REFRESH_SECONDS = 30.0
"""How old what volumes show of Secrets and ConfigMaps may get."""
_MOST_PODS = 250
"""On a node: as many as fit into the first addresses of any pod range; what a real kubelet is tuned to at most."""


class ProcessProvider:
    """The pods of the process nodes of one state directory.

    Attributes:
        directory: what the kubelet endpoints may know of the pods; knows none before ``run``.
    """

    name = "process"

    def __init__(self, config: NodesConfig, clients: Mapping[str, KubeClient]) -> None:
        """Nothing is read or started before ``run``.

        Args:
            config: how the nodes are set up.
            clients: the client of each node, by the node's name.

        Raises:
            ConfigurationError: the configuration is not one for process nodes.
        """
        if config.state_dir is None or not clients:
            raise ConfigurationError("provider process needs stateDir and nodes")
        self._config, self._clients, self._root = config, dict(clients), config.state_dir.absolute()
        self._capacity = _machine_capacity()
        self._host_ip = config.kubelet.address if config.kubelet else _first_address(config.pod_cidr)
        self._runtime = ContainerRuntime(self._root, node=",".join(self._clients), log_limit=config.log_max_bytes)
        self._dispatch: PodDispatch | None = None
        self.directory = PodDirectory(self._workers, self._runtime.log_path)

    def nodes(self) -> list[NodeSpec]:
        """The nodes, each as large as this machine."""
        port = self._config.kubelet.port if self._config.kubelet else None
        return [
            NodeSpec(
                name=name,
                capacity=self._capacity,
                addresses={"InternalIP": self._host_ip, "Hostname": name},
                kubelet_port=port,
            )
            for name in self._clients
        ]

    def is_silent(self, name: str) -> bool:  # noqa: ARG002  - the protocol's signature
        """A process node has no outages but real ones."""
        return False

    async def run(self, _nodes: Registered) -> None:
        """Serve pods until cancelled; containers go on."""
        async with self._runtime, AsyncExitStack() as stack:
            forwarder = self._forwarder()
            workshop = _Workshop(
                self._config,
                self._clients,
                root=self._root,
                host_ip=self._host_ip,
                runtime=self._runtime,
                forwarder=forwarder,
            )
            stack.push_async_callback(workshop.close)
            dispatch = self._dispatch = PodDispatch(
                self._clients,
                root=self._root,
                runtime=self._runtime,
                addresses=AddressPool(str(self._config.pod_cidr)),
                make_worker=workshop.make,
            )
            stack.push_async_callback(dispatch.close)
            async with asyncio.TaskGroup() as parts:
                parts.create_task(forwarder.run())
                # NB: a pod started before all services are known would lack their variables for its whole life.
                await forwarder.settled()
                for name, kube in self._clients.items():
                    parts.create_task(_follow(name, kube, dispatch))

    def _workers(self) -> list[PodWorker]:
        return self._dispatch.workers() if self._dispatch is not None else []

    def _forwarder(self) -> ServiceForwarder:
        kube = next(iter(self._clients.values()))
        return ServiceForwarder(
            lambda resource: watch(kube, resource), api_server=kube.server, pod_cidr=str(self._config.pod_cidr)
        )


class _Workshop:
    """Makes the workers of all pods."""

    def __init__(
        self,
        config: NodesConfig,
        clients: Mapping[str, KubeClient],
        *,
        root: Path,
        host_ip: str,
        runtime: ContainerRuntime,
        forwarder: ServiceForwarder,
    ) -> None:
        self._root, self._host_ip = root, host_ip
        back_off = config.crash_loop_back_off
        self._nodes = {
            name: NodeParts(
                kube=kube,
                runtime=runtime,
                recorder=EventRecorder(kube, component="autox-nodes", host=name),
                clock=SystemClock(),
                crash_loop=CrashLoop(initial=back_off.initial_seconds, limit=back_off.limit_seconds),
                withdraw=forwarder.withdraw,
                refresh_seconds=REFRESH_SECONDS,
            )
            for name, kube in clients.items()
        }
        self._sources = {name: Sources(kube) for name, kube in clients.items()}
        self._facts = NodeFacts(
            host_ip=host_ip,
            allocatable=_machine_capacity(),
            images=config.images,
            api_server=_place(next(iter(clients.values())).server),
            services=lambda namespace, links: service_environment(
                forwarder.services(), namespace=namespace, enable_service_links=links, addresses=forwarder.reachable
            ),
            log_path=runtime.log_path,
        )

    def make(self, pod: Object, address: str, records: tuple[ContainerRecord, ...]) -> PodWorker:
        """A worker for a pod of one of the nodes, with this published address and these records."""
        node = pod["spec"]["nodeName"]
        sandbox = PodSandbox(
            self._facts,
            pod,
            folder=pod_folder(self._root, pod["metadata"]["uid"]),
            pod_ip=loopback(address),
            sources=self._sources[node],
        )
        addresses = PodAddresses(host_ip=self._host_ip, pod_ip=address)
        return PodWorker(self._nodes[node], pod, sandbox=sandbox, addresses=addresses, records=records)

    async def close(self) -> None:
        """Write the Events that are not written yet."""
        await asyncio.gather(*(node.recorder.close() for node in self._nodes.values()))


async def _follow(name: str, kube: KubeClient, dispatch: PodDispatch) -> None:
    async with aclosing(watch(kube, PODS, field_selector=f"spec.nodeName={name}")) as events:
        async for event in events:
            await dispatch.take(name, event)


def _place(server: str) -> tuple[str, int]:
    url = urlsplit(server)
    return url.hostname or "", url.port or 443


def _first_address(pod_cidr: IPv4Network) -> str:
    return loopback(str(pod_cidr.network_address + 1))


def _machine_capacity() -> dict[str, str]:
    """Quantities by resource name, as a Node object has them."""
    disk = psutil.disk_usage("/").total
    return {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{psutil.virtual_memory().total // 1024}Ki",
        "ephemeral-storage": f"{disk // 1024}Ki",
        "pods": str(_MOST_PODS),
    }
