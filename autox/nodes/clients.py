"""What an identity of virtual nodes speaks to its API server with: one client for each kind of traffic.

Leases have connections of their own, so that a burst of pods never keeps a renewal waiting.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from autox.kube.bulk import BulkClient
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.nodes.leases import REQUEST_SECONDS

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


async def open_clients(connection: Connection, stack: AsyncExitStack, *, gather_seconds: float = 0.0) -> NodeClients:
    """The clients for an API server; ``stack`` closes them.

    Args:
        connection: which API server.
        stack: what they are closed with.
        gather_seconds: see ``BulkClient``.

    Raises:
        AutoxError: there are no usable credentials, or a proxy is in the way.
    """
    return NodeClients(
        kube=await stack.enter_async_context(KubeClient(connection)),
        bulk=await stack.enter_async_context(
            BulkClient(connection, connections=CONNECTIONS, gather_seconds=gather_seconds)
        ),
        leases=await stack.enter_async_context(
            BulkClient(
                connection,
                connections=LEASE_CONNECTIONS,
                request_seconds=REQUEST_SECONDS,
                gather_seconds=gather_seconds,
            )
        ),
    )
