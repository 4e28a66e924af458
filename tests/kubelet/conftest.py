"""A node's endpoints with real certificates, and logs as the shim writes them."""

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector

from autox.cluster.identities import Identity
from autox.cluster.pki import Pki
from autox.model.nodes import KubeletEndpoint
from tests.kubelet.node import ADDRESS, Node


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """The certificates of a cluster, and one of another authority."""
    made = Pki(tmp_path_factory.mktemp("pki"))
    made.ensure(
        [
            Identity(file="server", common_name="node", names=(ADDRESS, "127.214.0.2", "127.214.0.9")),
            Identity(file="api-server", common_name="kube-apiserver-kubelet-client"),
            Identity(file="admin", common_name="somebody", groups=("system:masters",)),
            Identity(file="user", common_name="somebody", groups=("developers",)),
            Identity(file="stranger", common_name="kube-apiserver-kubelet-client", authority="other-ca"),
        ],
        now=dt.datetime.now(dt.UTC),
    )
    return made


@pytest.fixture
def endpoint(pki: Pki) -> KubeletEndpoint:
    """Where to serve."""
    with socket.create_server((ADDRESS, 0)) as probe:
        port = probe.getsockname()[1]
    return KubeletEndpoint(
        address=ADDRESS,
        port=port,
        cert_file=pki.certificate("server"),
        key_file=pki.key("server"),
        client_ca_file=pki.certificate("ca"),
    )


@pytest.fixture
async def node(endpoint: KubeletEndpoint, pki: Pki, tmp_path: Path) -> AsyncIterator[Node]:
    """A running node whose client is the API server."""
    made = Node(endpoint, tmp_path)
    running = asyncio.create_task(made.server.run())
    await made.answers(running)
    async with client(pki, "api-server", made.url) as session:
        made.client = session
        yield made
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@asynccontextmanager
async def client(pki: Pki, identity: str | None, url: str | None) -> AsyncIterator[ClientSession]:
    """A client with one of the identities, or with none."""
    tls = ssl.create_default_context(cafile=pki.certificate("ca"))
    if identity is not None:
        tls.load_cert_chain(pki.certificate(identity), pki.key(identity))
    async with ClientSession(url, connector=TCPConnector(ssl=tls)) as session:
        yield session
    await asyncio.sleep(0.02)  # TLS connections are closed a few turns of the loop later
