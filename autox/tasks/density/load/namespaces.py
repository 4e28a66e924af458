"""The namespaces of a run: one has its sign of life and is made first and removed last, the others are beside it."""

import asyncio
from collections.abc import Collection

from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.errors import NotFoundError
from autox.model.refs import NAMESPACES, SERVICE_ACCOUNTS
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.workload import namespace

_LOOK = 0.1  # seconds between two looks
_PARALLEL = 16


async def make(kube: KubeClient, run_labels: RunLabels, names: Collection[str]) -> None:
    """Make namespaces of a run beside the first, which is there and has its sign of life.

    Args:
        kube: of the cluster under test.
        run_labels: of the run.
        names: of the namespaces.

    Raises:
        AutoxError: the API server refuses or cannot be reached.
    """
    for name in names:
        await kube.create(NAMESPACES, namespace(run_labels, name))


async def wait_for_accounts(kube: KubeClient, names: Collection[str]) -> None:
    """Return when each namespace has its service account: until then the API server refuses pods in it.

    Args:
        kube: of the cluster under test.
        names: of the namespaces.
    """
    slots = asyncio.Semaphore(_PARALLEL)

    async def one(name: str) -> None:
        async with slots:
            while True:
                try:
                    await kube.get_metadata(SERVICE_ACCOUNTS, "default", namespace=name)
                except NotFoundError:
                    await asyncio.sleep(_LOOK)
                else:
                    return

    await asyncio.gather(*map(one, names))


async def lost(kube: KubeClient, run_labels: RunLabels, count: int) -> list[str]:
    """Those that somebody else has deleted, or is deleting.

    Args:
        kube: of the cluster under test.
        run_labels: of the run.
        count: of all namespaces.

    Raises:
        AutoxError: the API server refuses or cannot be reached.
    """
    gone = []
    for name in run_labels.namespaces(count):
        try:
            found = await kube.get_metadata(NAMESPACES, name)
        except NotFoundError:
            gone.append(name)
        else:
            if "deletionTimestamp" in metadata(found):
                gone.append(name)
    return gone
