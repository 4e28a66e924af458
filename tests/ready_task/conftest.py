"""A task's context on the shared cluster, and a namespace for each test."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.result import Subject
from autox.tasks.context import TaskContext
from tests.clusters import LocalCluster


@pytest.fixture
def place(cluster: LocalCluster) -> Iterator[str]:
    """A namespace of the test's own on the shared cluster."""
    name = f"ready-{uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def said() -> list[str]:
    """The lines of progress that the task has said."""
    return []


@pytest.fixture
async def context(cluster: LocalCluster, place: str, said: list[str]) -> AsyncIterator[TaskContext]:
    """What the runner would hand to the task."""
    async with KubeClient(from_kubeconfig(cluster.home.kubeconfig)) as kube:
        yield context_with(kube, place, said)


def context_with(kube: KubeClient | None, namespace: str, said: list[str]) -> TaskContext:
    """A context around a client."""
    return TaskContext(
        kube=kube,
        namespace=namespace,
        environ={},
        subject=Subject(),
        done=(),
        say=said.append,
        now=lambda: datetime.now(UTC),
    )
