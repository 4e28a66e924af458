"""Opens connections: plain or TLS, to the first of several addresses that takes one, or through a proxy there.

An address that neither takes a connection nor refuses one is not waited for: the next one is tried beside it soon
(RFC 8305). Of a name with an IPv6 address that leads nowhere, which is common, nothing else would ever be reached.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple, TypeVar

from aiohappyeyeballs import start_connection

from autox.wire.connection import Connection
from autox.wire.failures import failure
from autox.wire.tunnel import Tunnel, open_tunnel

C = TypeVar("C", bound=Connection)

_HEAD_START = 0.25  # seconds that an address has before the next one is tried beside it


class Address(NamedTuple):
    """Where to connect: an IP address and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        """``10.1.2.3:80`` or ``[::1]:80``."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


async def addresses(host: str, port: int) -> list[Address]:
    """Where a host is.

    Args:
        host: name or address.
        port: where it listens.

    Raises:
        OSError: the name cannot be looked up.
    """
    with suppress(ValueError):
        return [Address(str(ip_address(host)), port)]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
    return [Address(str(where[0]), int(where[1])) for *_, where in found]


async def connect(
    make: Callable[[], C],
    addresses: Sequence[Address],
    *,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
    tunnel: Tunnel | None = None,
) -> C:
    """A connection to the first of the addresses that accepts one; it takes as long as that takes: cancel it.

    Args:
        make: a connection to be.
        addresses: tried in this order; at least one. Of the proxy, with a tunnel.
        tls: whom to trust; None for plain HTTP.
        server_name: whose certificate is expected, with TLS.
        tunnel: what to ask the proxy for; None if there is none.

    Raises:
        ExchangeError: none accepted. Or the proxy, or the server behind it, refused.
    """
    loop = asyncio.get_running_loop()
    name = server_name if tls is not None else None
    where = str(addresses[0])
    try:
        if tunnel is None and len(addresses) == 1:
            [(ip, port)] = addresses
            _, connection = await loop.create_connection(make, ip, port, ssl=tls, server_hostname=name)
            return connection
        sock = await start_connection([_info(each) for each in addresses], happy_eyeballs_delay=_HEAD_START)
        where = str(Address(*sock.getpeername()[:2]))
        if tunnel is not None:
            await _through(sock, tunnel, proxy=where)
            where = tunnel.target
        _, connection = await loop.create_connection(make, sock=sock, ssl=tls, server_hostname=name)
    except OSError as error:  # TLS errors and timeouts of the kernel among them
        raise failure(error, where) from error
    return connection


def _info(address: Address) -> tuple[int, int, int, str, tuple[str, int]]:
    family = socket.AF_INET6 if ":" in address.ip else socket.AF_INET
    # NB: unless the protocol is named asyncio sets no TCP_NODELAY, and small requests wait for acknowledgements.
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address.ip, address.port)


async def _through(sock: socket.socket, tunnel: Tunnel, *, proxy: str) -> None:
    try:
        await open_tunnel(sock, tunnel, proxy=proxy)
    except BaseException:
        sock.close()
        raise
