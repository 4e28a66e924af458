"""A cluster's news fed by hand, and real servers in the place of pods.

Only the watch is played here, since what matters is the order of its events; sockets and servers are real. Services
are in 10.211.0.0/16 and pods in 10.212.0.0/16, so that no cluster of this machine is met; each worker of the test run
has a part of its own.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from autox.kube.objects import Object
from autox.kube.watch_store import WatchEvent, WatchEventType
from autox.model.refs import ENDPOINT_SLICES, SERVICES, Resource
from autox.nodes.services.forwarder import ServiceForwarder

# Tests of another worker run at the same time, and a port of an address is somebody's alone.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SERVICE_BLOCK = f"10.211.{WORKER}"
POD_BLOCK = f"10.212.{WORKER + 1}"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def twin(ip: str) -> str:
    """Where what is published at this address really listens."""
    return ip.replace("10.", "127.", 1)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the other end of a socket brings about."""
    while not condition():  # noqa: ASYNC110  - sockets of the kernel set no Event
        await asyncio.sleep(0.001)


def service(name: str = "web", *, ip: str = f"{SERVICE_BLOCK}.5", port: int = 18080, **spec: Any) -> Object:
    """A Service of the namespace shop with one TCP port."""
    ports = [{"name": "http", "port": port, "protocol": "TCP"}]
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": ip, "type": "ClusterIP", "ports": ports} | spec,
    }


def piece(
    *pods: "Pod", ready: bool = True, stopping: tuple["Pod", ...] = (), service: str = "web", name: str = "web-1"
) -> Object:
    """The EndpointSlice of a service whose pods all listen on the port of the first one."""
    port = (pods or stopping)[0].port if pods or stopping else 1
    endpoints = [pod.endpoint({"ready": ready}) for pod in pods]
    endpoints += [pod.endpoint({"ready": False, "serving": True, "terminating": True}) for pod in stopping]
    return {
        "metadata": {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": endpoints,
    }


@dataclass
class Pod:
    """A real server at the loopback address of a pod."""

    ip: str
    port: int
    server: asyncio.Server
    connections: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def uid(self) -> str:
        """Unique to the pod, as in a cluster."""
        return f"uid-{self.ip}"

    def endpoint(self, conditions: Object) -> Object:
        """The pod in a slice."""
        return {
            "addresses": [self.ip],
            "conditions": conditions,
            "targetRef": {"kind": "Pod", "uid": self.uid, "name": self.uid},
        }

    def stop(self) -> None:
        """Accept nothing more and let open connections be."""
        self.server.close()

    def kill(self) -> None:
        """Accept nothing more and break open connections."""
        self.server.close()
        for writer in self.connections:
            writer.transport.abort()


class Cluster:
    """Says what a watch of the API server would say."""

    def __init__(self) -> None:
        self._queues: dict[Resource, asyncio.Queue[WatchEvent[Object]]] = {
            SERVICES: asyncio.Queue(),
            ENDPOINT_SLICES: asyncio.Queue(),
        }

    async def watch(self, resource: Resource) -> AsyncIterator[WatchEvent[Object]]:
        """An endless watch."""
        while True:
            event = await self._queues[resource].get()
            yield event
            self._queues[resource].task_done()

    def say(self, resource: Resource, obj: Object, kind: WatchEventType = WatchEventType.MODIFIED) -> None:
        """One event, at once."""
        self._queues[resource].put_nowait(WatchEvent(type=kind, object=obj))

    async def tell(self, *objects: Object, deleted: bool = False) -> None:
        """Events for Services and EndpointSlices, and wait until they were acted upon."""
        for obj in objects:
            resource = ENDPOINT_SLICES if "addressType" in obj else SERVICES
            self.say(resource, obj, WatchEventType.DELETED if deleted else WatchEventType.ADDED)
        await self.heard()

    async def heard(self) -> None:
        """Wait until every event was acted upon."""
        for queue in self._queues.values():
            await queue.join()

    def sync(self) -> None:
        """The first listings are complete."""
        for resource in self._queues:
            self.say(resource, {}, WatchEventType.SYNCED)


@dataclass
class Scene:
    """A forwarder that runs, the cluster it watches, and pods to put behind it."""

    cluster: Cluster
    forwarder: ServiceForwarder
    running: asyncio.Task[None]
    pods: AsyncExitStack

    async def pod(self, number: int, handler: Handler | None = None, *, port: int = 0) -> Pod:
        """A pod that answers each line with its own address and the line, or does what ``handler`` does."""
        ip = f"{POD_BLOCK}.{number}"

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                writer.write(f"{ip} ".encode() + line)
                await writer.drain()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            pod.connections.append(writer)
            with suppress(ConnectionError):
                await (handler or echo)(reader, writer)
            writer.close()

        server = await asyncio.start_server(serve, twin(ip), port, backlog=4096)
        pod = Pod(ip=ip, port=server.sockets[0].getsockname()[1], server=server)
        self.pods.callback(pod.kill)
        return pod

    async def ask(self, obj: Object, line: str = "hello") -> str:
        """One question on a connection of its own; who answered."""
        reader, writer = await asyncio.open_connection(*self.forwarder.reachable(obj, obj["spec"]["ports"][0]))
        try:
            writer.write(f"{line}\n".encode())
            answer = await reader.readline()
        finally:
            writer.close()
        return answer.decode().split()[0] if answer else ""

    async def connect(self, obj: Object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the service's first port."""
        reader, writer = await asyncio.open_connection(*self.forwarder.reachable(obj, obj["spec"]["ports"][0]))
        self.pods.callback(writer.close)
        return reader, writer


@asynccontextmanager
async def running_scene(**options: Any) -> AsyncIterator[Scene]:
    """A scene with a forwarder of these options."""
    cluster = Cluster()
    forwarder = ServiceForwarder(
        cluster.watch, api_server="https://127.0.0.1:6443", pod_cidr="10.212.0.0/16", **({"grace": 0.0} | options)
    )
    async with AsyncExitStack() as pods:
        running = asyncio.create_task(forwarder.run())
        yield Scene(cluster=cluster, forwarder=forwarder, running=running, pods=pods)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    await asyncio.sleep(0.01)  # transports close their sockets a turn of the loop later
