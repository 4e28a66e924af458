"""Takes Node objects of mock nodes away again, which stay when their agent stops."""

import asyncio
from contextlib import suppress
from pathlib import Path

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import NotFoundError
from autox.model.refs import NODES
from autox.nodes.node.nodeobject import PROVIDER_LABEL

DELETIONS = 16  # at a time


def remove_nodes(name_prefix: str, kubeconfig: Path | None) -> int:
    """Delete the mock nodes whose names begin so; how many there were.

    Raises:
        AutoxError: the API server cannot be reached, or refuses.
    """
    return asyncio.run(_remove(name_prefix, kubeconfig))


async def _remove(name_prefix: str, kubeconfig: Path | None) -> int:
    async with KubeClient(from_kubeconfig(kubeconfig)) as kube:
        found = (await kube.list_metadata(NODES, label_selector=f"{PROVIDER_LABEL}=mock")).items
        names = [name for node in found if (name := str(node["metadata"]["name"])).startswith(name_prefix)]
        slots = asyncio.Semaphore(DELETIONS)

        async def one(name: str) -> None:
            async with slots:
                with suppress(NotFoundError):
                    await kube.delete(NODES, name)

        async with asyncio.TaskGroup() as deletions:
            for name in names:
                deletions.create_task(one(name))
        return len(names)
