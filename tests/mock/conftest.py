"""A real API server, an identity that may do what mock nodes need and no more, and agents with it."""

from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

import pytest

from autox.kube.client import KubeClient
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from benchmarks.nodes.agents import Autox
from tests.kube.apiserver import ApiServer
from tests.mock.agents import AgentProcess

GROUP = "test:mock-nodes"


@pytest.fixture
async def identity(api_server: ApiServer, kube: KubeClient) -> Path:
    """A kubeconfig for mock nodes."""
    role = {"metadata": {"name": "test-mock-nodes"}, "rules": list(Autox.rules)}
    group = "rbac.authorization.k8s.io"
    binding = {
        "metadata": {"name": "test-mock-nodes"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "test-mock-nodes"},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": GROUP}],
    }
    await kube.apply(CLUSTER_ROLES, role, field_manager="test")
    await kube.apply(CLUSTER_ROLE_BINDINGS, binding, field_manager="test")
    return api_server.kubeconfig("mock-nodes", groups=[GROUP])


@pytest.fixture
def prefix() -> str:
    """What the names of the test's own nodes begin with."""
    return f"mock-{uuid4().hex[:6]}-"


@pytest.fixture
async def agent(tmp_path: Path, identity: Path, prefix: str) -> AsyncIterator[AgentProcess]:
    """An agent of five nodes whose leases are renewed each two seconds, not started yet."""
    made = AgentProcess(tmp_path, identity, prefix=prefix, count=5, nodeLeaseDurationSeconds=8)
    yield made
    if made.is_running:
        await made.end(SIGKILL)
