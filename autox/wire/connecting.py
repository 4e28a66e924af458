"""Opens connections: plain or TLS, to the first of several addresses that takes one, or through a proxy there."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple, TypeVar

from autox.wire.connection import Connection
from autox.wire.failures import ExchangeError, FailureKind, failure
from autox.wire.tunnel import Tunnel, open_tunnel

C = TypeVar("C", bound=Connection)


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
        make: a connection to be; called for each attempt.
        addresses: tried in this order; at least one. Of the proxy, with a tunnel.
        tls: whom to trust; None for plain HTTP.
        server_name: whose certificate is expected, with TLS.
        tunnel: what to ask the proxy for; None if there is none.

    Raises:
        ExchangeError: none accepted; says why the first one did not. Or the proxy, or the server behind it, refused.
    """
    loop = asyncio.get_running_loop()
    name = server_name if tls is not None else None
    first: ExchangeError | None = None
    for address in addresses:
        try:
            if tunnel is None:
                _, connection = await loop.create_connection(
                    make, address.ip, address.port, ssl=tls, server_hostname=name
                )
                return connection
            sock = await _tunnelled(address, tunnel)
        except OSError as error:  # TLS errors and timeouts of the kernel among them
            first = first or failure(error, str(address))
            continue
        try:
            _, connection = await loop.create_connection(make, sock=sock, ssl=tls, server_hostname=name)
        except OSError as error:
            raise failure(error, tunnel.target) from error
        return connection
    raise first or ExchangeError(FailureKind.REFUSED, "there is no address to connect to")


async def _tunnelled(address: Address, tunnel: Tunnel) -> socket.socket:
    """A socket that leads to the tunnel's target."""
    family = socket.AF_INET6 if ":" in address.ip else socket.AF_INET
    # NB: unless the protocol is named asyncio sets no TCP_NODELAY, and small requests wait for acknowledgements.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
        await open_tunnel(sock, tunnel, proxy=str(address))
    except BaseException:
        sock.close()
        raise
    return sock
