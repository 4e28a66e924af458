"""Who may ask a node, and what else it answers."""

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from autox.cluster.pki import Pki
from autox.model.errors import ConfigurationError
from autox.model.nodes import KubeletEndpoint
from tests.kubelet.conftest import client
from tests.kubelet.node import ADDRESS, Node


async def test_a_node_says_that_it_is_well(node: Node) -> None:
    """For whoever watches it."""
    async with node.client.get("/healthz") as response:
        assert (response.status, await response.text()) == (200, "ok")


async def test_a_node_lists_its_pods(node: Node) -> None:
    """As a PodList."""
    async with node.client.get("/pods") as response:
        listed = await response.json()

    assert (listed["kind"], listed["apiVersion"]) == ("PodList", "v1")
    assert [pod["metadata"]["name"] for pod in listed["items"]] == ["web"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "verb"),
    [
        ("/exec/shop/web/app?command=sh", "exec"),
        ("/attach/shop/web/app", "attach"),
        ("/portForward/shop/web", "port-forward"),
        ("/run/shop/web/app", "run"),
    ],
)
async def test_what_needs_a_stream_into_a_container_is_refused(node: Node, method: str, path: str, verb: str) -> None:
    """In one plain sentence, whatever protocol the request would upgrade to."""
    headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
    async with node.client.request(method, path, headers=headers) as response:
        assert (response.status, await response.text()) == (501, f"{verb} is not supported by these nodes")


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/metrics", 404), ("/containerLogs/shop/web", 404)])
async def test_other_paths_are_not_there(node: Node, path: str, status: int) -> None:
    """Nothing is served by accident."""
    async with node.client.get(path) as response:
        assert response.status == status


@pytest.mark.parametrize(("identity", "status"), [("api-server", 200), ("admin", 200), ("user", 403)])
@pytest.mark.parametrize("path", ["/pods", "/containerLogs/shop/web/app"])
async def test_only_the_api_server_and_administrators_may_ask(
    node: Node, pki: Pki, identity: str, status: int, path: str
) -> None:
    """A user's certificate is of the same authority, but users ask the API server."""
    node.write("secret")
    async with client(pki, identity, node.url) as session, session.get(path) as response:
        assert response.status == status
        assert ("secret" in await response.text()) is (status == 200 and "Logs" in path)


@pytest.mark.parametrize("identity", [None, "stranger"])
async def test_clients_of_no_or_another_authority_are_not_even_heard(
    node: Node, pki: Pki, identity: str | None
) -> None:
    """The connection ends before there is a request."""
    async with client(pki, identity, node.url) as session:
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await session.get("/healthz")


async def test_plain_http_is_not_spoken(node: Node) -> None:
    """And does the server no harm."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(node.url.replace("https", "http"))
    async with node.client.get("/healthz") as response:
        assert response.status == 200


async def test_a_node_that_stops_ends_followed_logs_and_frees_its_port(
    endpoint: KubeletEndpoint, pki: Pki, tmp_path: Path
) -> None:
    """It does not wait for readers who would follow for ever."""
    node = Node(endpoint, tmp_path)
    node.write("one", ended=False)
    running = asyncio.create_task(node.server.run())
    await node.answers(running)
    async with client(pki, "api-server", node.url) as session:
        response = await session.get("/containerLogs/shop/web/app?follow=1")
        await response.content.readline()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with suppress(aiohttp.ClientError):
            await response.read()
    with socket.create_server((endpoint.address, endpoint.port)):
        pass


async def test_a_node_that_stops_closes_connections_whose_other_side_does_not(
    endpoint: KubeletEndpoint, pki: Pki, tmp_path: Path
) -> None:
    """An API server to which SPDY was refused never says that it agrees: the connection stayed for half a minute."""
    node = Node(endpoint, tmp_path)
    running = asyncio.create_task(node.server.run())
    await node.answers(running)
    tls = ssl.create_default_context(cafile=pki.certificate("ca"))
    tls.load_cert_chain(pki.certificate("api-server"), pki.key("api-server"))
    request = b"GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n"

    with await asyncio.to_thread(_asked, endpoint, tls, request) as connection:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with suppress(ConnectionResetError):
            while await asyncio.to_thread(connection.recv, 1000):
                pass


def _asked(endpoint: KubeletEndpoint, tls: ssl.SSLContext, request: bytes) -> socket.socket:
    """A connection on which one request was answered, and nobody speaks TLS any more."""
    connection = tls.wrap_socket(
        socket.create_connection((endpoint.address, endpoint.port), timeout=10), server_hostname=endpoint.address
    )
    connection.sendall(request)
    assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    bare = socket.socket(fileno=connection.detach())
    bare.settimeout(10)
    return bare


async def test_a_taken_port_is_an_error_at_the_start(endpoint: KubeletEndpoint, tmp_path: Path) -> None:
    """Which names it."""
    with (
        socket.create_server((endpoint.address, endpoint.port)),
        pytest.raises(ConfigurationError, match=f"cannot listen on {ADDRESS}:{endpoint.port}: "),
    ):
        await Node(endpoint, tmp_path).server.run()


@pytest.mark.parametrize("file", ["cert_file", "key_file", "client_ca_file"])
@pytest.mark.parametrize("content", [None, "", "no certificate\n"])
async def test_certificates_that_cannot_be_used_are_an_error_at_the_start(
    endpoint: KubeletEndpoint, tmp_path: Path, file: str, content: str | None
) -> None:
    """Missing, empty or nonsense."""
    broken = tmp_path / "broken.pem"
    if content is not None:
        broken.write_text(content)
    endpoint = replace(endpoint, **{file: broken})  # type: ignore[arg-type]

    with pytest.raises(ConfigurationError, match=r"cannot be read from .*broken\.pem.*: (No such|\w+ holds? no)"):
        await Node(endpoint, tmp_path).server.run()
