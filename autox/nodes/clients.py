"""What an identity of virtual nodes speaks to its API server with: one client for each kind of traffic.

Leases have connections of their own, so that a burst of pods never keeps a renewal waiting.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from autox.core.ratelimit import RateLimit
from autox.kube.bulk import BulkClient
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.credentials import Impersonating
from autox.nodes.leases import REQUEST_SECONDS
from autox.wire.gathering import Gathering

CONNECTIONS = 32
LEASE_CONNECTIONS = 16


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


async def open_clients(
    connection: Connection,
    stack: AsyncExitStack,
    *,
    gathering: Gathering | None = None,
    limit: RateLimit | None = None,
) -> NodeClients:
    """The clients for an API server; ``stack`` closes them.

    Args:
        connection: which API server.
        stack: what they are closed with.
        gathering: the process's own; None where something is timed.
        limit: of writes that are no renewals; a kubelet's renewals have a client without any, too.

    Raises:
        AutoxError: there are no usable credentials, or a proxy is in the way.
    """
    return NodeClients(
        kube=await stack.enter_async_context(KubeClient(connection)),
        bulk=await stack.enter_async_context(
            BulkClient(connection, connections=CONNECTIONS, gathering=gathering, limit=limit)
        ),
        leases=await stack.enter_async_context(
            BulkClient(
                connection,
                connections=LEASE_CONNECTIONS,
                request_seconds=REQUEST_SECONDS,
                gathering=gathering,
            )
        ),
    )


def as_kubelet(connection: Connection, node: str) -> Connection:
    """The same API server, acting as the node's own kubelet."""
    own = Impersonating(connection.credentials, f"system:node:{node}", groups=["system:nodes"])
    return replace(connection, credentials=own)
