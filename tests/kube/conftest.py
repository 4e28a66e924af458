"""The real API server that the integration tests of the client share, and clients for it."""

import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import web

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import NAMESPACES
from tests.kube.apiserver import ApiServer, Authority, find_binary
from tests.kube.door import Door


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


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """A server with a certificate of its own authority, in whose directory kubeconfigs can name ca.crt."""
    made = Door(Authority(tmp_path))
    certificate, key = made.authority.issue("server", hosts=["127.0.0.1", "elsewhere.example"])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.load_verify_locations(made.authority.file)
    tls.verify_mode = ssl.CERT_OPTIONAL
    runner = web.ServerRunner(web.Server(made.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()
