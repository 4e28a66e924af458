"""Keeps the Node objects of an agent: made if absent, kept if ours, refused if not, made again if deleted.

What a Node looks like is decided in ``nodeobject``; this is its effect on the API server. After the first
registration each node's status is written at least every five minutes, and at once when a watch shows that
somebody (as a rule the node lifecycle controller, after the agent was away) made it say something else.

Nodes that were found (``adoption``) are taken over and not made: they keep what somebody else gave them, and one that
is deleted is served no more.

Nodes stay when an agent stops, mock nodes too: their leases run out and Kubernetes shows them NotReady, as it does
with a kubelet that was stopped, and the next agent continues with them. Whoever wants them gone says so:
``kubectl delete nodes -l autox.dev/provider=mock``.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.kube.decoders import StructDecoder
from autox.kube.listing import METADATA_ONLY, Query
from autox.kube.objects import PatchType
from autox.kube.paths import path_of
from autox.kube.status_errors import encode_body
from autox.kube.watch import watch_as
from autox.kube.watch_store import WatchEventType
from autox.model.errors import (
    AlreadyExistsError,
    AutoxError,
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    NotOursError,
    TransientError,
    UnauthorizedError,
)
from autox.model.refs import NODES
from autox.nodes.node.adoption import adopt
from autox.nodes.node.clients import CONNECTIONS, NodeClients
from autox.nodes.node.nodeobject import PROVIDER_LABEL, Machine, Turn, node_object, node_status
from autox.nodes.node.nodeview import NodeView, decode_node
from autox.nodes.node.schedule import Schedule
from autox.nodes.node.ticker import follow
from autox.nodes.provider import NodeSpec

_SHAPE = StructDecoder(NodeView)
_HEARTBEAT = 300.0  # seconds between two writes of a status that does not change: the kubelet's figure
_RETRY = Backoff(initial=1.0, limit=10.0)
_REGISTERING = Backoff(initial=0.1, limit=1.0)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the API server showed of a node last."""

    uid: str
    created: str
    turns: tuple[Turn, ...]


class Registration:
    """The Node objects of one agent.

    Attributes:
        heartbeats: how many writes of a status succeeded.
        interruptions: how often the watch of nodes was interrupted.
    """

    def __init__(
        self,
        clients: Mapping[str, NodeClients],
        specs: Iterable[NodeSpec],
        *,
        provider: str,
        machine: Machine,
        is_silent: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Describe what to keep; nothing is written yet.

        Args:
            clients: the clients to use for each node, by node name; several nodes may share them.
            specs: the nodes.
            provider: name of their provider.
            machine: facts about this machine.
            is_silent: nothing is written about a node while this is true of its name.
            clock: the time, in UTC.
        """
        self.heartbeats = 0
        self.interruptions = 0
        self._is_silent = is_silent
        self._clients = clients
        self._specs = {spec.name: spec for spec in specs}
        self._provider = provider
        self._machine = machine
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._schedule: Schedule | None = None
        self._gone: set[str] = set()

    @property
    def registered(self) -> int:
        """How many nodes exist."""
        return len(self._seen)

    def uid(self, name: str) -> str | None:
        """The uid of a Node object as last seen; None while it does not exist."""
        seen = self._seen.get(name)
        return seen.uid if seen else None

    def is_gone(self, name: str) -> bool:
        """Whether a node that was found has been deleted: nothing is written about it any more."""
        return name in self._gone

    def created(self, name: str) -> float | None:
        """When a Node was created, in seconds since 1970; None while it does not exist."""
        seen = self._seen.get(name)
        return datetime.fromisoformat(seen.created).timestamp() if seen and seen.created else None

    async def register(self, then: Callable[[str], None]) -> None:
        """Return when every node is registered; waits for an API server that cannot be reached yet.

        Args:
            then: is told the name of each node that is registered, at once.

        Raises:
            NotOursError: there is a Node of that name which is not ours; nothing of it was changed.
            PermanentError: the API server refuses, for want of permission or because a name is not valid.
        """
        slots = asyncio.Semaphore(CONNECTIONS)

        async def one(name: str) -> None:
            async with slots:
                await self._register(name)
                then(name)

        # NB: one node finds out whether the server is there and lets us in; thousands would all ask at once.
        names = list(self._specs)
        for together in (names[:1], names[1:]):
            async with asyncio.TaskGroup() as nodes:
                for name in together:
                    nodes.create_task(one(name))

    async def run(self) -> None:
        """Keep the registered nodes until cancelled.

        Raises:
            NotOursError: somebody replaced a node of ours by one that is not.
        """
        now = time.monotonic()
        self._schedule = Schedule(interval=_HEARTBEAT, retry=_RETRY)
        for index, name in enumerate(self._specs):
            self._schedule.add(name, now, at=now + _HEARTBEAT * index / len(self._specs))
        async with asyncio.TaskGroup() as parts:
            parts.create_task(follow(self._schedule, self._ensure, what="node heartbeats", fatal=(NotOursError,)))
            for client in {each.kube for each in self._clients.values()}:
                parts.create_task(self._watch(client))

    async def _register(self, name: str) -> None:
        """Bring one node into being, however long the API server takes to come."""
        failures, denial_counts = 0, False
        while True:
            try:
                return await self._ensure(name)
            except (ForbiddenError, UnauthorizedError):
                if denial_counts:
                    raise
                # NB: an API server that starts denies everything until it has read its roles.
                denial_counts = await _is_ready(self._clients[name].kube)
            except TransientError as error:
                if failures == 0:
                    # NB: this client tells a server that is not trusted, which no waiting mends, from one that is away.
                    await _is_ready(self._clients[name].kube)
                    _log.warning("node %s is not registered yet: %s", name, error)
            failures += 1
            await asyncio.sleep(_REGISTERING.delay(failures, random=random.random()))  # noqa: S311  - jitter

    async def _ensure(self, name: str) -> None:
        """One step towards a Node that exists, is ours, and says what is true now."""
        spec = self._specs[name]
        if self._is_silent(name) or name in self._gone:
            return
        if name not in self._seen and spec.is_found:
            try:
                await self._take_over(spec)
            except NotFoundError:
                self._lose(name)
                return
        elif name not in self._seen:
            try:
                await self._create(spec)
            except AlreadyExistsError:
                await self._take_over(spec)
            else:
                return
        seen = self._seen[name]
        status = node_status(
            spec, provider=self._provider, machine=self._machine, observed=seen.turns, now=self._clock()
        )
        # NB: the uid makes the server refuse a patch of another Node of that name.
        patch = {"metadata": {"uid": seen.uid}, "status": status}
        try:
            # NB: what it says afterwards the watch shows, and nobody need tell it twice.
            await self._clients[name].bulk.request(
                "PATCH",
                path_of(NODES, name=name, subresource="status"),
                plural=NODES.plural,
                body=encode_body(patch),
                content_type=PatchType.STRATEGIC,
                accept=METADATA_ONLY,
            )
            self.heartbeats += 1
        except NotFoundError:
            self._forget(name)
            await self._ensure(name)
        except ConflictError:
            self._forget(name)
            raise

    async def _create(self, spec: NodeSpec) -> None:
        node = node_object(spec, provider=self._provider, machine=self._machine, now=self._clock())
        answer = await self._clients[spec.name].bulk.request(
            "POST", path_of(NODES), plural=NODES.plural, body=encode_body(node)
        )
        self._note(decode_node(answer, what=f"POST {NODES.plural}"))

    async def _take_over(self, spec: NodeSpec) -> None:
        kube = self._clients[spec.name].kube
        self._note(await adopt(kube, spec, provider=self._provider, machine=self._machine))

    async def _watch(self, client: KubeClient) -> None:
        """Look at the nodes of one identity, which may see no more than those."""
        names = {name for name, other in self._clients.items() if other.kube is client and name in self._specs}
        # NB: the node authorizer lets system:node:NAME watch the node NAME and no selection by label.
        alone = f"metadata.name={next(iter(names))}" if len(names) == 1 else ""
        selection = "" if alone else f"{PROVIDER_LABEL}={self._provider}"
        query = Query(resource=NODES, field_selector=alone, label_selector=selection)
        watching = watch_as(_SHAPE, client, query, on_trouble=self._warn_of_interruption)
        listed: set[str] | None = set()
        async with aclosing(watching) as events:
            async for event in events:
                if event.type is WatchEventType.SYNCED:
                    # NB: what went between its registration and the beginning of the watch, no event tells.
                    for name in names - listed if listed is not None else ():
                        self._missed(name)
                    listed = None
                elif (name := event.object.metadata.name) in names:
                    if listed is not None:
                        listed.add(name)
                    self._observe(event.type, event.object)

    def _observe(self, kind: WatchEventType, node: NodeView) -> None:
        name = node.metadata.name
        if kind is WatchEventType.DELETED:
            # NB: the deletion may be older than the node that was made since.
            if self.uid(name) == node.metadata.uid:
                self._missed(name)
        elif not node.is_ours(self._provider):
            self._forget(name)
            self.hurry(name)
        else:
            self._note(node)
            if node.needs_heartbeat():
                self.hurry(name)

    def _missed(self, name: str) -> None:
        if self._specs[name].is_found:
            self._lose(name)
            return
        self._forget(name)
        if not self._is_silent(name):
            _log.warning("node %s was deleted by somebody; it is made again", name)
            self.hurry(name)

    def _lose(self, name: str) -> None:
        _log.warning("node %s was deleted by somebody; it is served no more", name)
        self._forget(name)
        self._gone.add(name)

    def _note(self, node: NodeView) -> None:
        own = node.metadata
        self._seen[own.name] = _Seen(own.uid, own.creation_timestamp or "", node.turns())

    def _forget(self, name: str) -> None:
        self._seen.pop(name, None)

    def hurry(self, name: str) -> None:
        """Write the status of a node soon."""
        if self._schedule is not None:
            self._schedule.hurry(name, time.monotonic())

    def _warn_of_interruption(self, error: AutoxError) -> None:
        self.interruptions += 1
        _log.warning("the watch of nodes is interrupted: %s", error)


async def _is_ready(client: KubeClient) -> bool:
    try:
        await client.read("/readyz")
    except ConfigurationError:
        raise
    except AutoxError:
        return False
    return True
