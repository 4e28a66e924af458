"""Makes what the clients of a run get and patch: ConfigMaps and Secrets of the run, which end with its namespace."""

import asyncio
import base64
from collections.abc import Iterable

from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.clientgroups import ClientGroup
from autox.model.errors import AlreadyExistsError, TransientError
from autox.model.refs import SECRETS
from autox.tasks.density.clients.asking import RESOURCES, names, payload
from autox.tasks.density.labels import RunLabels

_RETRY = 1.0  # seconds
_AT_ONCE = 16


async def make(kube: KubeClient, groups: Iterable[ClientGroup], run_labels: RunLabels) -> None:
    """Make all of them, however long that takes.

    Args:
        kube: of the cluster under test.
        groups: whose they are.
        run_labels: of the run.

    Raises:
        PermanentError: the API server refused one.
    """
    turn = asyncio.Semaphore(_AT_ONCE)
    tasks = [
        asyncio.create_task(_make(kube, group, name, run_labels, turn)) for group in groups for name in names(group)
    ]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _make(
    kube: KubeClient, group: ClientGroup, name: str, run_labels: RunLabels, turn: asyncio.Semaphore
) -> None:
    resource, content = RESOURCES[group.resource], payload(0, group.size)
    text = (base64.b64encode(content) if resource is SECRETS else content).decode()
    meta = {"name": name, "namespace": run_labels.namespace, "labels": run_labels.labels}
    body: Object = {"metadata": meta, "data": {"payload": text}}
    async with turn:
        while True:
            try:
                await kube.create(resource, body)
            except AlreadyExistsError:
                return  # the answer to an earlier attempt was lost
            except TransientError:
                await asyncio.sleep(_RETRY)
            else:
                return
