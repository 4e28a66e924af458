"""Renews the lease of every node, so that Kubernetes believes the nodes alive.

A lease lasts 40 s unless told otherwise and is renewed each quarter of that, as by a kubelet; a renewal that fails is
repeated within seconds, so several attempts fit in before Kubernetes gives a node up. Each PUT carries the resource
version of the last answer, which the API server insists on; after a conflict or a 404 the lease is read or made again.

What is due goes out together, a tick at a time, over connections that nothing else uses (``clients``), and a process
that sleeps in between costs less than one that is woken by each answer.

The lease belongs to its Node (ownerReference): deleting the Node takes it away, and the next renewal makes a new one
for the Node that was registered again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

import msgspec

from autox.core.backoff import Backoff
from autox.kube.calls import Call, version_of
from autox.kube.objects import micro_timestamp
from autox.model.errors import AlreadyExistsError, AutoxError, ConflictError, NotFoundError
from autox.model.nodes import NODE_LEASE_SECONDS
from autox.model.refs import LEASES
from autox.nodes.node.clients import NodeClients
from autox.nodes.node.schedule import Schedule
from autox.nodes.node.ticker import TICK

NAMESPACE = "kube-node-lease"
_RENEWALS = 4  # in the time of a lease: the kubelet's figure
_JITTER = 0.04  # the kubelet's figure
_RATE = 50  # leases a second in the first round at least; few at a time cost more than many, for each wakes the process
_RETRY = Backoff(initial=1.0, limit=5.0)
_COLLECTION = LEASES.path(namespace=NAMESPACE)
_LEASE = (
    b'{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":%b,"namespace":"kube-node-lease",'
    b'%b"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":%b,"uid":%b}]},'
    b'"spec":{"holderIdentity":%b,"leaseDurationSeconds":%d,"renewTime":"%b"}}'
)
_encode = msgspec.json.encode

_log = logging.getLogger(__name__)


def lease_body(node: str, *, node_uid: str, duration: int, resource_version: str, now: datetime) -> bytes:
    """The lease of a node as JSON, for POST (empty resource version) and PUT.

    Put together by hand, since it is what an agent says most often by far.

    Args:
        node: name of the node, of the lease and of its holder.
        node_uid: uid of the Node object, which owns the lease.
        duration: how long it lasts, in seconds.
        resource_version: from the last answer about this lease; empty to create it.
        now: the time of renewal, in UTC.
    """
    name = _encode(node)
    version = b'"resourceVersion":%b,' % _encode(resource_version) if resource_version else b""
    return _LEASE % (name, version, name, _encode(node_uid), name, duration, micro_timestamp(now).encode())


class Leases:
    """The leases of one agent's nodes.

    Attributes:
        duration: how long each lasts, in seconds.
        renewals: how many of them succeeded, the first of each lease included.
    """

    def __init__(
        self,
        clients: Mapping[str, NodeClients],
        *,
        node_uid: Callable[[str], str | None],
        duration: int = NODE_LEASE_SECONDS,
        is_silent: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """There are no leases yet; nothing is written before ``run``.

        Args:
            clients: of each node, by its name; several nodes may share them.
            node_uid: uid of a registered Node; None while it does not exist.
            duration: how long a lease lasts, in seconds.
            is_silent: the lease of a node is not renewed while this is true of its name.
            clock: the time, in UTC.
            now: seconds of a clock that never goes back.
        """
        self.duration = duration
        self.renewals = 0
        self._clients = clients
        self._different = tuple({id(each): each for each in clients.values()}.values())
        self._node_uid = node_uid
        self._is_silent = is_silent
        self._clock = clock
        self._now = now
        self._versions: dict[str, str] = {}  # resource version of each lease, from the last answer about it
        self._troubles: list[str] = []
        self._interval = duration / _RENEWALS
        self._spread = min(self._interval / len(clients), 1 / _RATE) if clients else 0.0
        self._begun = 0
        self._schedule = Schedule(interval=self._interval, jitter=_JITTER, retry=_RETRY)

    def begin(self, name: str) -> None:
        """A node exists: its lease is made soon, and renewed from then on; not all nodes' at the same time."""
        now = self._now()
        self._schedule.add(name, now, at=now + self._spread * self._begun)
        self._begun += 1

    async def run(self) -> None:
        """Renew until cancelled; no failure ends it."""
        while True:
            now = self._now()
            overdue = self._schedule.lateness(now) - self._interval
            for clients in self._different:
                clients.hurry_leases(overdue)
            for name in self._schedule.due(now):
                self._renew(name)
            if self._troubles:
                # NB: one line for thousands of nodes, or an API server that restarts would flood the log.
                many, first = len(self._troubles), self._troubles[0]
                _log.warning("%d lease renewals failed and will be repeated; the first: %s", many, first)
                self._troubles.clear()
            await asyncio.sleep(TICK)

    def lateness(self) -> float:
        """Age in seconds of the oldest renewal; a node is given up when that of its lease reaches ``duration``."""
        return self._schedule.lateness(self._now())

    def longest_lateness(self) -> float:
        """The highest that ``lateness`` has been since the agent began to renew."""
        return self._schedule.longest(self._now())

    def expired(self) -> int:
        """How many leases have run out: their nodes are given up, or soon will be."""
        return self._schedule.late(self._now(), seconds=self.duration)

    def _renew(self, name: str) -> None:
        if self._is_silent(name):
            self._done(name)
            return
        uid, version = self._node_uid(name), self._versions.get(name, "")
        if uid is None:
            self._failed(name, NotFoundError("its Node does not exist at the moment"))
            return
        body = partial(self._body, name, uid, version)
        if version:
            self._send(name, "PUT", self._renewed, body=body)
        else:
            self._send(name, "POST", self._created, body=body)

    def _body(self, name: str, uid: str, version: str) -> bytes:
        return lease_body(name, node_uid=uid, duration=self.duration, resource_version=version, now=self._clock())

    def _send(
        self,
        name: str,
        method: str,
        then: Callable[[str, bytes | AutoxError], None],
        *,
        body: bytes | Callable[[], bytes] = b"",
    ) -> None:
        path = _COLLECTION if method == "POST" else f"{_COLLECTION}/{name}"
        self._clients[name].leases.submit(Call(method, path, partial(then, name), plural=LEASES.plural, body=body))

    def _created(self, name: str, answer: bytes | AutoxError) -> None:
        if isinstance(answer, AlreadyExistsError):
            self._send(name, "GET", self._found)
        else:
            self._renewed(name, answer)

    def _found(self, name: str, answer: bytes | AutoxError) -> None:
        """An agent before us, or somebody else, made the lease: go on from its version."""
        if isinstance(answer, AutoxError):
            self._failed(name, answer)
        else:
            self._versions[name] = version_of(answer)
            self._renew(name)

    def _renewed(self, name: str, answer: bytes | AutoxError) -> None:
        if isinstance(answer, AutoxError):
            if isinstance(answer, ConflictError | NotFoundError):
                # NB: the version that was kept leads nowhere any more; the next attempt starts from what is there.
                self._versions.pop(name, None)
            self._failed(name, answer)
        else:
            self._versions[name] = version_of(answer)
            self.renewals += 1
            self._done(name)

    def _done(self, name: str) -> None:
        self._schedule.done(name, self._now(), random=random.random())  # noqa: S311  - jitter, no secret

    def _failed(self, name: str, error: AutoxError) -> None:
        self._troubles.append(f"{name}: {error}")
        self._schedule.failed(name, self._now(), random=random.random())  # noqa: S311  - jitter, no secret
