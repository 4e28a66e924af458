"""Opens connections: plain or TLS, to the first of several addresses that takes one."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import NamedTuple

from autox.wire.connection import Connection
from autox.wire.failures import ExchangeError, FailureKind, failure


class Address(NamedTuple):
    """Where to connect: an IP address and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        """``10.1.2.3:80`` or ``[::1]:80``."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


async def connect(
    make: Callable[[], Connection],
    addresses: Sequence[Address],
    *,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> Connection:
    """A connection to the first of the addresses that accepts one; it takes as long as that takes: cancel it.

    Args:
        make: a connection to be; called for each attempt.
        addresses: tried in this order; at least one.
        tls: whom to trust; None for plain HTTP.
        server_name: whose certificate is expected, with TLS.

    Raises:
        ExchangeError: none accepted; says why the first one did not.
    """
    first: ExchangeError | None = None
    for address in addresses:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                make,
                address.ip,
                address.port,
                ssl=tls,
                server_hostname=server_name if tls is not None else None,
            )
        except OSError as error:  # TLS errors and timeouts of the kernel among them
            first = first or failure(error, str(address))
            continue
        return connection
    raise first or ExchangeError(FailureKind.REFUSED, "there is no address to connect to")
