"""A kopf source that runs against the real API server, and what it told."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from autox.kube.client import KubeClient
from tests.watching.listener import Listener

Listening = Callable[..., Awaitable[Listener]]


@pytest.fixture
async def listening(kube: KubeClient) -> AsyncIterator[Listening]:
    """Start a source; it is stopped at the end, and no thread of it is left."""
    started: list[Listener] = []

    async def start(client: KubeClient = kube) -> Listener:
        started.append(Listener(client))
        return started[-1]

    yield start
    for each in started:
        await each.stop()
