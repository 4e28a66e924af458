"""The one order in which an agent's parts work, whoever puts them together: a process of its own, or a run's task.

Leases are renewed from the registration of the first node on: the first of thousands would be given up before the last
is registered. Pods are served when all nodes are there.
"""

import asyncio
from collections.abc import Callable

from autox.nodes.agent.supervision import supervise
from autox.nodes.node.leases import Leases
from autox.nodes.node.registration import Registration
from autox.nodes.provider import Provider


async def keep(
    registration: Registration,
    leases: Leases,
    provider: Provider,
    *,
    then: Callable[[], None] = lambda: None,
) -> None:
    """Register the nodes, then keep them, their leases and their pods until cancelled.

    Args:
        registration: the nodes.
        leases: theirs.
        provider: serves their pods.
        then: is called when all nodes are registered.

    Raises:
        AutoxError: a part failed for good; the others have ended.
    """

    async def register_and_serve() -> None:
        await registration.register(leases.begin)
        then()
        parts = {"registration": registration.run(), "provider": provider.run(registration)}
        await supervise(parts, stop=asyncio.Event())

    await supervise({"nodes": register_and_serve(), "leases": leases.run()}, stop=asyncio.Event())
