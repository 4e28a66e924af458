"""What an identity of virtual nodes speaks to its API server with: one client for each kind of traffic.

Leases have connections of their own, so that a burst of pods never keeps a renewal waiting here. At an API server that
does all that it can, though, each request gets its share, and all the others together have a multiple of what the
renewals have: so the later these are, the more of them are sent at a time. Nobody else would see to that: to API
priority and fairness, all that one identity asks for is one flow. Rejected: fewer pods at a time instead. Whoever makes
the pods then goes ahead of the agent, and the last pods wait long (measured: 24 s instead of 3).
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from autox.core.ratelimit import RateLimit
from autox.kube.bulk import BulkClient
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.credentials import Impersonating
from autox.wire.batching import Batching

CONNECTIONS = 64
LEASE_CONNECTIONS = 48
_LEASES_AT_ONCE = 8  # while they are in time
LEASE_REQUEST_SECONDS = 10.0
"""How long the answer to a renewal may take: time is left for others within a lease's duration."""
_IN_TIME, _LATE = 1.5, 3.0  # seconds after they came due: what ticks and a round trip take, and what must not be


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeClients:
    """The clients of one identity, which one node or thousands share.

    Attributes:
        kube: watches and rare requests.
        bulk: writes of nodes and pods.
        leases: renewals.
    """

    kube: KubeClient
    bulk: BulkClient
    leases: BulkClient

    def hurry_leases(self, overdue: float) -> None:
        """Send so many renewals at a time as it takes.

        Args:
            overdue: how many seconds ago the renewal came due that waits longest.
        """
        part = min(max((overdue - _IN_TIME) / (_LATE - _IN_TIME), 0.0), 1.0)
        self.leases.allow(_LEASES_AT_ONCE + round(part * (LEASE_CONNECTIONS - _LEASES_AT_ONCE)))


async def open_clients(
    connection: Connection,
    stack: AsyncExitStack,
    *,
    batching: Batching | None = None,
    limit: RateLimit | None = None,
) -> NodeClients:
    """The clients for an API server; ``stack`` closes them.

    Args:
        connection: which API server.
        stack: what they are closed with.
        batching: the process's own; None where something is timed.
        limit: of writes that are no renewals; a kubelet's renewals have a client without any, too.

    Raises:
        AutoxError: there are no usable credentials, or a proxy of another kind than ``http://`` is in the way.
    """
    return NodeClients(
        kube=await stack.enter_async_context(KubeClient(connection)),
        bulk=await stack.enter_async_context(
            BulkClient(connection, connections=CONNECTIONS, batching=batching, limit=limit)
        ),
        leases=await stack.enter_async_context(
            BulkClient(
                connection,
                connections=LEASE_CONNECTIONS,
                request_seconds=LEASE_REQUEST_SECONDS,
                batching=batching,
            )
        ),
    )


def as_kubelet(connection: Connection, node: str) -> Connection:
    """The same API server, acting as the node's own kubelet."""
    own = Impersonating(connection.credentials, f"system:node:{node}", groups=["system:nodes"])
    return replace(connection, credentials=own)
