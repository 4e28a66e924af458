"""The way to a server, straight or through a proxy: what all connections of a pool have in common.

``connecting`` opens one, as long as that takes; here it is given its time, and all that goes wrong is of one kind.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import TypeVar

from autox.wire.connecting import Address, addresses, connect
from autox.wire.connection import Connection
from autox.wire.failures import ExchangeError, FailureKind, failure
from autox.wire.tunnel import Tunnel
from autox.wire.urls import Url

C = TypeVar("C", bound=Connection)


class Route:
    """Leads to one server."""

    def __init__(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, server_name: str, proxy: Url | None
    ) -> None:
        """Nothing is looked up yet.

        Args:
            host: name or address; a name is looked up for each connection.
            port: where it listens.
            tls: whom to trust; None for plain HTTP.
            server_name: whose certificate is expected, with TLS.
            proxy: leads there, and looks the name up; None to go straight.
        """
        target = Address(host, port)
        self._place = target if proxy is None else Address(proxy.host, proxy.port)
        self._tls = tls
        self._server_name = server_name
        self._tunnel: Tunnel | None = None
        if proxy is not None:
            self._tunnel = Tunnel(target=str(target), authorization=proxy.authorization)

    async def open(self, make: Callable[[], C], *, seconds: float) -> C:
        """A new connection.

        Args:
            make: a connection to be.
            seconds: for looking the name up, TCP and TLS together.

        Raises:
            ExchangeError: it did not come about.
        """
        try:
            async with asyncio.timeout(seconds):
                return await connect(
                    make,
                    await addresses(*self._place),
                    tls=self._tls,
                    server_name=self._server_name,
                    tunnel=self._tunnel,
                )
        except TimeoutError as error:
            raise ExchangeError(FailureKind.TIMEOUT, f"no connection in time ({self._place})") from error
        except OSError as error:  # the name cannot be looked up
            raise failure(error, str(self._place)) from error
