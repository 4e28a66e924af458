"""The client for many small requests behind a proxy: all the way to a real API server, and proxies that fail."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from autox.kube.auth import from_kubeconfig
from autox.kube.bulk import BulkClient
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.model.errors import AutoxError, ConfigurationError, UnreachableError, UnsupportedError
from autox.model.refs import CONFIG_MAPS
from autox.wire import pool
from tests.kube.apiserver import ApiServer
from tests.kube.test_bulk import PATIENCE_SECONDS, send, serving
from tests.proxies.connectproxy import AGREED, RESET, STALL, ConnectProxy

ME = "Basic bWU6Y0BuYXJ5"  # me:c@nary
SECRETS = ("c%40nary", "c@nary", ME.split()[1])
FAULTS: dict[str, tuple[bytes | None, str]] = {
    "407": (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nnope", "refused with status 407"),
    "403": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "refused with status 403"),
    "502": (b"HTTP/1.0 502 Bad Gateway\r\n\r\n<html>", "refused with status 502"),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", "refused with status 302"),
    "garbage": (b"SSH-2.0-OpenSSH\r\n", "not HTTP: it does not begin with"),
    "endless": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, "not HTTP: its head is longer than 64 KiB"),
    "too much": (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "not HTTP: more bytes came"),
    "half": (b"HTTP/1.1 200 Conn", "connection closed"),
    "reset": (RESET, "connection reset"),
    "stall": (STALL, "no connection in time"),
}


@pytest.fixture
async def plain() -> AsyncIterator[Connection]:
    """A server without TLS, for what is about the proxy alone."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        assert "Proxy-Authorization" not in request.headers
        return web.json_response({"path": request.path})

    async with serving(handler) as connection:
        yield connection


async def until_answered(bulk: BulkClient) -> bytes:
    """Ask again and again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            [answer] = await send(bulk, 1)
            if isinstance(answer, bytes):
                return answer


def shown(told: list[bytes | AutoxError]) -> str:
    """The one text that all these errors show."""
    assert all(isinstance(each, UnreachableError) for each in told)
    [text] = {each.advice for each in told if isinstance(each, AutoxError)}
    return text


@pytest.mark.integration
async def test_many_writes(api_server: ApiServer, kube: KubeClient, namespace: str, proxy: ConnectProxy) -> None:
    """The proxy is asked once for each connection, whatever goes over it, and sees nothing of what that is."""
    proxy.wanted = ME
    connection = replace(from_kubeconfig(api_server.kubeconfig()), proxy=proxy.url)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    async with BulkClient(connection, connections=4) as bulk:
        for first in range(0, 60, 20):
            requests = [
                bulk.request("POST", path, plural="configmaps", body=b'{"metadata":{"name":"c%d"}}' % number)
                for number in range(first, first + 20)
            ]
            await asyncio.gather(*requests)
    made = (await kube.list(CONFIG_MAPS, namespace=namespace)).items

    assert {f"c{number}" for number in range(60)} <= {each["metadata"]["name"] for each in made}
    assert 1 <= len(proxy.asked) <= 4
    assert {each.partition("\r\n")[0] for each in proxy.asked} == {f"CONNECT 127.0.0.1:{api_server.port} HTTP/1.1"}


@pytest.mark.integration
async def test_names(api_server: ApiServer, proxy: ConnectProxy) -> None:
    """The proxy looks up the server's name, and the certificate must be for it, or for the one in tls-server-name."""
    for name in ("kubernetes.default.svc", "other.example"):
        proxy.names[name] = "127.0.0.1"
    good = replace(
        from_kubeconfig(api_server.kubeconfig()),
        server=f"https://kubernetes.default.svc:{api_server.port}",
        proxy=proxy.url,
    )
    bad = replace(good, server=f"https://other.example:{api_server.port}")
    told = []
    for connection in (good, bad, replace(bad, server_hostname="kubernetes.default.svc")):
        async with BulkClient(connection) as bulk:
            told += await send(bulk, 1, "/readyz")

    text = shown([told.pop(1)])
    assert "for 'other.example'" in text
    assert text.endswith(f"(other.example:{api_server.port})")
    assert not any(isinstance(each, UnreachableError) for each in told)


async def test_no_tls(plain: Connection, proxy: ConnectProxy) -> None:
    """A server without TLS is reached through a tunnel, too, and never shown the proxy's password."""
    proxy.wanted = ME
    async with BulkClient(replace(plain, proxy=proxy.url)) as bulk:
        told = await send(bulk, 10)

    assert told == [b'{"path": "/x"}'] * 10
    assert proxy.asked[0].startswith(f"CONNECT {plain.server.removeprefix('http://')} HTTP/1.1\r\n")


@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=FAULTS)
async def test_a_proxy_that_fails(
    plain: Connection,
    proxy: ConnectProxy,
    *,
    fault: bytes | None,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After one try all that waits is told what the proxy did, not its password; when it is well, all goes on."""
    if fault == STALL:
        monkeypatch.setattr(pool, "_CONNECT_SECONDS", 0.5)
    caplog.set_level(logging.DEBUG)
    proxy.answer = fault
    connection = replace(plain, proxy=proxy.url)
    async with BulkClient(connection) as bulk:
        text = shown(await send(bulk, 10))
        tries = len(proxy.asked)
        monkeypatch.undo()
        proxy.answer = AGREED
        answer = await until_answered(bulk)

    assert text.startswith(f"cannot reach {plain.server} through its proxy: ")
    assert words in text
    assert tries == 1
    assert text.endswith(f"(127.0.0.1:{proxy.port})")
    assert answer == b'{"path": "/x"}'
    assert not [each for each in SECRETS if each in f"{text}{caplog.text}{connection!r}{bulk!r}"]


async def test_silence_in_the_tunnel(proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that agrees and then leads nowhere is given up like one that stalls."""
    monkeypatch.setattr(pool, "_CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"https://127.0.0.1:{silent.getsockname()[1]}"
        connection = Connection(server=server, origin="a test", tls=ssl.create_default_context(), proxy=proxy.url)
        async with BulkClient(connection) as bulk:
            text = shown(await send(bulk, 2))

    assert "no connection in time" in text
    assert len(proxy.asked) == 1


async def test_a_proxy_that_is_away(plain: Connection) -> None:
    """Before it comes, and after it went, requests fail; the same client goes on when it is there."""
    proxy = ConnectProxy()
    async with proxy:
        pass  # NB: by now it has a port, and nobody listens there
    async with BulkClient(replace(plain, proxy=proxy.url), connections=4) as bulk:
        told, broken = await send(bulk, 10), []
        for _ in range(2):
            async with proxy:
                await until_answered(bulk)
                await send(bulk, 10)
            broken += await send(bulk, 10)  # some may go out on connections whose end is not seen yet
            told += await send(bulk, 10)

    assert all(isinstance(each, UnreachableError) for each in broken)
    assert shown(told) == f"cannot reach {plain.server} through its proxy: connection refused (127.0.0.1:{proxy.port})"


@pytest.mark.parametrize("url", ["https://me:c%40nary@proxy:3128", "socks5://me:c%40nary@proxy:1080", "proxy:3128", ""])
def test_other_proxies_are_refused(url: str) -> None:
    """What is supported is told, and nothing of the URL."""
    with pytest.raises(UnsupportedError, match="only speaks to http:// ones") as told:
        BulkClient(Connection(server="https://10.0.0.1:6443", origin="a test", proxy=url))

    assert "nary" not in told.value.advice


@pytest.mark.parametrize("url", ["http://me:c?nary@proxy:3128", "http://me:c#nary@proxy:1", "http://", "http://[::1"])
def test_no_proxies(url: str) -> None:
    """What is no URL is a mistake of the configuration, and whatever of it may be a password is not shown."""
    with pytest.raises(ConfigurationError, match="proxy cannot be read") as told:
        BulkClient(Connection(server="https://10.0.0.1:6443", origin="a test", proxy=url))

    assert "me:c" not in told.value.advice
