"""The real API server that the integration tests of the client share, and clients for it."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import NAMESPACES
from tests.kube.apiserver import ApiServer, find_binary


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Etcd and kube-apiserver, started once."""
    if find_binary("kube-apiserver") is None or find_binary("etcd") is None:
        pytest.skip("needs kube-apiserver and etcd: set AUTOX_BINARIES to their directory")
    server = ApiServer(tmp_path_factory.mktemp("apiserver"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
async def kube(api_server: ApiServer) -> AsyncIterator[KubeClient]:
    """A client that may do everything."""
    async with KubeClient(from_kubeconfig(api_server.kubeconfig())) as client:
        yield client


@pytest.fixture
async def namespace(kube: KubeClient) -> str:
    """A namespace of the test's own."""
    name = f"test-{uuid4().hex[:8]}"
    await kube.create(NAMESPACES, {"metadata": {"name": name}})
    return name
