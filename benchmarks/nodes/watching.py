"""The independent watcher: when each node was seen Ready, each pod Running and gone, and how old each lease is.

It follows the API server with watches of its own, as a user's client would, and reads of each event only the few
fields that it needs: decoded in full, five thousand pods would cost it more CPU than the agents that it watches.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from autox.kube.client import KubeClient
from autox.kube.listing import Query
from autox.model.refs import LEASES, NODES, PODS, Resource
from benchmarks.nodes.agents import PREFIX

POD_PREFIX = "pod-"
SECONDS = 7200
ERROR = b'{"type":"ERROR"'


class _Condition(msgspec.Struct):
    type: str
    status: str


class _Meta(msgspec.Struct):
    name: str
    resourceVersion: str  # noqa: N815  - the API's
    namespace: str = ""
    uid: str = ""


class _Status(msgspec.Struct):
    phase: str = ""
    conditions: list[_Condition] = []

    @property
    def is_ready(self) -> bool:
        return any(each.type == "Ready" and each.status == "True" for each in self.conditions)


class Watched(msgspec.Struct):
    """A node or a pod."""

    metadata: _Meta
    status: _Status = msgspec.field(default_factory=_Status)


class _LeaseSpec(msgspec.Struct):
    renewTime: datetime | None = None  # noqa: N815


class _Lease(msgspec.Struct):
    metadata: _Meta
    spec: _LeaseSpec = msgspec.field(default_factory=_LeaseSpec)


Thing = TypeVar("Thing", Watched, _Lease)


class Event(msgspec.Struct, Generic[Thing]):
    """Of a watch."""

    type: str
    object: Thing


class Watcher:
    """What was seen, by the machine's monotonic clock; leases by the wall clock, as they are dated.

    Attributes:
        nodes: when each node was first seen.
        ready: when each node was first seen Ready.
        running: when each pod was first seen Running and Ready.
        gone: when each pod was seen deleted.
        oldest_lease: the greatest age of any lease in seconds, as sampled.
    """

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self.nodes: dict[str, float] = {}
        self.ready: dict[str, float] = {}
        self.running: dict[str, float] = {}
        self.gone: dict[str, float] = {}
        self.oldest_lease = 0.0
        self._renewed: dict[str, float] = {}

    async def follow_nodes(self) -> None:
        """Until cancelled."""
        async for event in events(self._kube, NODES, msgspec.json.Decoder(Event[Watched])):
            name, now = event.object.metadata.name, time.monotonic()
            if name.startswith(PREFIX) and event.type != "DELETED":
                self.nodes.setdefault(name, now)
                if event.object.status.is_ready and name not in self.ready:
                    self.ready[name] = now
                    # A node that has no lease yet counts as renewed when it became Ready.
                    self._renewed.setdefault(name, time.time())

    async def follow_pods(self) -> None:
        """Until cancelled."""
        async for event in events(self._kube, PODS, msgspec.json.Decoder(Event[Watched])):
            name, status = event.object.metadata.name, event.object.status
            if not name.startswith(POD_PREFIX):
                continue
            if event.type == "DELETED":
                self.gone[name] = time.monotonic()
            elif status.phase == "Running" and status.is_ready:
                self.running.setdefault(name, time.monotonic())

    async def follow_leases(self) -> None:
        """Until cancelled."""
        async for event in events(self._kube, LEASES, msgspec.json.Decoder(Event[_Lease])):
            renewed = event.object.spec.renewTime
            if event.object.metadata.name.startswith(PREFIX) and renewed is not None:
                self._renewed[event.object.metadata.name] = renewed.timestamp()

    def sample_leases(self) -> None:
        """Look how old the oldest lease is now."""
        if self._renewed:
            self.oldest_lease = max(self.oldest_lease, time.time() - min(self._renewed.values()))

    def forget_pods(self) -> None:
        """Begin anew."""
        self.running.clear()
        self.gone.clear()


async def events(
    kube: KubeClient, resource: Resource, decoder: "msgspec.json.Decoder[Event[Thing]]"
) -> AsyncIterator[Event[Thing]]:
    """What is there and what happens to it; a watch that the server ends is taken up where it was."""
    seen = 0
    while True:
        params = {"timeoutSeconds": str(SECONDS)} | ({"resourceVersion": str(seen)} if seen else {})
        rest = b""
        async with kube.stream(Query(resource=resource), params=params, idle_seconds=SECONDS) as stream:
            while pieces := await stream.more():
                piece = b"".join(each for _, each in pieces)
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.startswith(ERROR):
                        raise RuntimeError(f"the watch of {resource.plural} missed something: {line.decode()[:500]}")
                    event = decoder.decode(line)
                    # NB: what is there at first does not come in the order of its versions.
                    seen = max(seen, int(event.object.metadata.resourceVersion))
                    yield event


async def until(done: Callable[[], bool], *, seconds: float, what: Callable[[], str]) -> None:
    """Wait for something, not for ever.

    Raises:
        TimeoutError: it has not come; says how far it came.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s only {what()}")
        await asyncio.sleep(0.05)
