"""Renews the lease of every node, so that Kubernetes believes the nodes alive.

A lease lasts 40 s and is renewed every 10 s, as by a kubelet; a renewal that fails is repeated within seconds, so
several attempts fit in before Kubernetes gives a node up. Each PUT carries the resource version of the last
answer, which the API server insists on; after a conflict or a 404 the lease is read or made again.

What is due goes out together, a tick at a time, over connections that nothing else uses: a burst of pods never keeps a
renewal waiting, and a process that sleeps in between costs less than one that is woken by each answer.

The lease belongs to its Node (ownerReference): deleting the Node takes it away, and the next renewal makes a new one
for the Node that was registered again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial

from autox.core.backoff import Backoff
from autox.kube.answers import encode_body
from autox.kube.bulk import BulkClient
from autox.kube.calls import Call, version_of
from autox.kube.objects import Object, micro_timestamp
from autox.model.errors import AlreadyExistsError, AutoxError, ConflictError, NotFoundError
from autox.model.refs import LEASES
from autox.nodes.schedule import Schedule
from autox.nodes.ticking import TICK

NAMESPACE = "kube-node-lease"
DURATION = 40  # seconds
_INTERVAL = 10.0  # seconds
_RATE = 50  # leases a second in the first round; few at a time cost more than many, for each wakes the process
_RETRY = Backoff(initial=1.0, limit=5.0)
_COLLECTION = LEASES.path(namespace=NAMESPACE)

REQUEST_SECONDS = 10.0
"""How long the answer to a renewal may take: time is left for others within a lease's duration."""

_log = logging.getLogger(__name__)


def lease_object(node: str, *, node_uid: str, resource_version: str, now: datetime) -> Object:
    """The lease of a node, for POST (empty resource version) and PUT.

    Args:
        node: name of the node, of the lease and of its holder.
        node_uid: uid of the Node object, which owns the lease.
        resource_version: from the last answer about this lease; empty to create it.
        now: the time of renewal, in UTC.
    """
    metadata: Object = {
        "name": node,
        "namespace": NAMESPACE,
        "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": node, "uid": node_uid}],
    }
    if resource_version:
        metadata["resourceVersion"] = resource_version
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": node,
            "leaseDurationSeconds": DURATION,
            "renewTime": micro_timestamp(now),
        },
    }


class Leases:
    """The leases of one agent's nodes.

    Attributes:
        renewals: how many of them succeeded, the first of each lease included.
    """

    def __init__(
        self,
        clients: Mapping[str, BulkClient],
        names: Iterable[str],
        *,
        node_uid: Callable[[str], str | None],
        is_silent: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Plan the renewals; nothing is written yet.

        Args:
            clients: what writes the lease of each node, by node name.
            names: the nodes.
            node_uid: uid of a registered Node; None while it does not exist.
            is_silent: the lease of a node is not renewed while this is true of its name.
            clock: the time, in UTC.
            now: seconds of a clock that never goes back.
        """
        self.renewals = 0
        self._clients = clients
        self._node_uid = node_uid
        self._is_silent = is_silent
        self._clock = clock
        self._now = now
        self._versions: dict[str, str] = {}  # resource version of each lease, from the last answer about it
        self._troubles: list[str] = []
        ordered = list(names)
        spread = min(_INTERVAL, len(ordered) / _RATE)
        self._schedule = Schedule(ordered, interval=_INTERVAL, spread=spread, retry=_RETRY, now=now())

    async def run(self) -> None:
        """Renew until cancelled; no failure ends it."""
        while True:
            for name in self._schedule.due(self._now()):
                self._renew(name)
            if self._troubles:
                # NB: one line for thousands of nodes, or an API server that restarts would flood the log.
                many, first = len(self._troubles), self._troubles[0]
                _log.warning("%d lease renewals failed and will be repeated; the first: %s", many, first)
                self._troubles.clear()
            await asyncio.sleep(TICK)

    def lateness(self) -> float:
        """Age in seconds of the oldest renewal; a node is given up when that of its lease reaches ``DURATION``."""
        return self._schedule.lateness(self._now())

    def longest_lateness(self) -> float:
        """The highest that ``lateness`` has been since the agent began to renew."""
        return self._schedule.longest(self._now())

    def expired(self) -> int:
        """How many leases have run out: their nodes are given up, or soon will be."""
        return self._schedule.late(self._now(), seconds=DURATION)

    def _renew(self, name: str) -> None:
        if self._is_silent(name):
            self._schedule.done(name, self._now())
            return
        uid, version = self._node_uid(name), self._versions.get(name, "")
        if uid is None:
            self._failed(name, NotFoundError("its Node does not exist at the moment"))
            return
        body = encode_body(lease_object(name, node_uid=uid, resource_version=version, now=self._clock()))
        if version:
            self._send(name, "PUT", self._renewed, body=body)
        else:
            self._send(name, "POST", self._created, body=body)

    def _send(
        self, name: str, method: str, then: Callable[[str, bytes | AutoxError], None], *, body: bytes = b""
    ) -> None:
        path = _COLLECTION if method == "POST" else f"{_COLLECTION}/{name}"
        self._clients[name].submit(Call(method, path, partial(then, name), plural=LEASES.plural, body=body))

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
            self._schedule.done(name, self._now())

    def _failed(self, name: str, error: AutoxError) -> None:
        self._troubles.append(f"{name}: {error}")
        self._schedule.failed(name, self._now(), random=random.random())  # noqa: S311  - jitter, no secret
