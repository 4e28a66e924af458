"""A node with the real container runtime in a directory of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autox.kube.client import KubeClient
from autox.nodes.process.runtime.containers import ContainerRuntime
from tests.pods.podapi import PodApi
from tests.pods.podnode import PodNode


@pytest.fixture
async def api() -> AsyncIterator[PodApi]:
    """A tiny API server."""
    server = PodApi()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def node(tmp_path: Path, api: PodApi) -> AsyncIterator[PodNode]:
    """A node; whatever its pods still run at the end is killed."""
    runtime = ContainerRuntime(tmp_path, node="node-0", log_limit=1 << 20)
    async with KubeClient(api.connection) as kube, runtime:
        node = PodNode(tmp_path, api, kube, runtime)
        yield node
        await node.close()
        for folder in (tmp_path / "pods").glob("*"):
            await runtime.remove_pod(folder.name)
