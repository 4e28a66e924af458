"""Renews the lease of every node, so that Kubernetes believes the nodes alive.

A lease lasts 40 s and is renewed every 10 s, as by a kubelet; a renewal that fails is repeated within seconds, so
several attempts fit in before Kubernetes gives a node up. Each PUT carries the resource version of the last
answer, which the API server insists on; after a conflict or a 404 the lease is read or made again.

The lease belongs to its Node (ownerReference): deleting the Node takes it away, and the next renewal makes a new one
for the Node that was registered again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.kube.objects import Object, micro_timestamp
from autox.model.errors import AlreadyExistsError, ConflictError, DeadlineError, NotFoundError
from autox.model.refs import LEASES
from autox.nodes.schedule import Schedule
from autox.nodes.ticking import follow

NAMESPACE = "kube-node-lease"
DURATION = 40  # seconds
_INTERVAL = 10.0  # seconds
_RATE = 50  # leases a second in the first round; few at a time cost more than many, for each wakes the process
_ATTEMPT = 10.0  # seconds after which an attempt counts as failed
_RETRY = Backoff(initial=1.0, limit=5.0)


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
    """The leases of one agent's nodes."""

    def __init__(
        self,
        clients: Mapping[str, KubeClient],
        names: Iterable[str],
        *,
        node_uid: Callable[[str], str | None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Plan the renewals; nothing is written yet.

        Args:
            clients: the client to use for each node, by node name.
            names: the nodes.
            node_uid: uid of a registered Node; None while it does not exist.
            clock: the time, in UTC.
        """
        self._clients = clients
        self._node_uid = node_uid
        self._clock = clock
        self._versions: dict[str, str] = {}  # resource version of each lease, from the last answer about it
        ordered = list(names)
        spread = min(_INTERVAL, len(ordered) / _RATE)
        self._schedule = Schedule(ordered, interval=_INTERVAL, spread=spread, retry=_RETRY, now=time.monotonic())

    async def run(self) -> None:
        """Renew until cancelled; no failure ends it."""
        await follow(self._schedule, self._attempt, what="lease renewals")

    def lateness(self) -> float:
        """Age in seconds of the oldest renewal; a node is given up when that of its lease reaches ``DURATION``."""
        return self._schedule.lateness(time.monotonic())

    async def _attempt(self, name: str) -> None:
        try:
            async with asyncio.timeout(_ATTEMPT):
                await self._renew(name)
        except TimeoutError as error:
            raise DeadlineError(f"no answer for {_ATTEMPT:.0f} s") from error

    async def _renew(self, name: str) -> None:
        client, uid = self._clients[name], self._node_uid(name)
        if uid is None:
            raise NotFoundError("its Node does not exist at the moment")
        if name not in self._versions:
            body = lease_object(name, node_uid=uid, resource_version="", now=self._clock())
            try:
                self._keep(name, await client.create(LEASES, body, namespace=NAMESPACE))
            except AlreadyExistsError:
                self._keep(name, await client.get(LEASES, name, namespace=NAMESPACE))
            else:
                return
        body = lease_object(name, node_uid=uid, resource_version=self._versions[name], now=self._clock())
        try:
            self._keep(name, await client.replace(LEASES, body))
        except (ConflictError, NotFoundError):
            # NB: the version that was kept leads nowhere any more; the next attempt starts from what is there.
            del self._versions[name]
            raise

    def _keep(self, name: str, lease: Object) -> None:
        self._versions[name] = lease["metadata"]["resourceVersion"]
