"""What a proxy is asked, and how its agreement is read."""

import asyncio
import socket

import pytest

from autox.wire.connecting import Address, connect
from autox.wire.connection import Connection
from autox.wire.tunnel import Tunnel, open_tunnel, parse_proxy
from tests.proxies.connectproxy import ConnectProxy

AGREED = b"HTTP/1.0 200 Connection established\r\nContent-Length: 5\r\n\r\n"


def test_what_is_asked() -> None:
    """The proxy is told the server's host and port and the password in its own URL, which no repr shows."""
    proxy = parse_proxy("HTTP://me:c%40nary@proxy.example/ignored")
    tunnel = Tunnel(target="[::1]:6443", authorization=proxy.authorization)

    asked = tunnel.request().decode().split("\r\n")
    assert (proxy.host, proxy.port) == ("proxy.example", 80)
    assert asked[:2] == ["CONNECT [::1]:6443 HTTP/1.1", "Host: [::1]:6443"]
    assert asked[-3:] == ["Proxy-Authorization: Basic bWU6Y0BuYXJ5", "", ""]
    assert "bWU6" not in f"{proxy!r}{tunnel!r}"
    assert "Proxy-Authorization" not in Tunnel(target="[::1]:6443").request().decode()


@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"])
async def test_agreement_in_pieces(interim: bytes) -> None:
    """However the agreement is cut, and whatever length it announces, what follows it is the server's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        asking = asyncio.create_task(open_tunnel(ours, Tunnel(target="a:1"), proxy="10.9.9.9:3128"))
        for byte in interim + AGREED:
            theirs.sendall(bytes([byte]))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await asking
        theirs.sendall(b"hello")

        assert theirs.recv(1000) == Tunnel(target="a:1").request()
        assert await asyncio.get_running_loop().sock_recv(ours, 1000) == b"hello"


async def test_small_requests_do_not_wait(proxy: ConnectProxy) -> None:
    """What is sent through a tunnel leaves at once, as without one, whichever loop it is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        tunnel = Tunnel(target=f"127.0.0.1:{server.getsockname()[1]}")
        connection = await connect(_connection, [Address("127.0.0.1", proxy.port)], tunnel=tunnel)
        ours = connection._transport.get_extra_info("socket")

        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.abort()
        await asyncio.sleep(0)  # it closes its socket one turn of the loop later


def _connection() -> Connection:
    return Connection(on_answer=lambda *_: None, on_failure=lambda *_: None, on_idle_end=lambda _: None)
