"""An aiohttp connector to an API server that leaves no connection behind when it is closed.

aiohttp closes a TLS connection that broke off, say because its request was cancelled, by saying goodbye, and forgets
it. Whether the peer answers or not, the connection may then outlive the event loop, and be collected some day as an
unclosed socket. aiohttp has ``enable_cleanup_closed`` against that, which hurries such connections every two seconds
and at the end. It must stay off up to Python 3.11.3, where a TLS transport that was closed twice raises when it is
hurried, and with it everything else that was to be closed. So the end is made sure of here.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Any

from autox.wire.lightly import aiohttp

TLS_CLOSES_SLOWLY = (3, 11, 4) <= sys.version_info < (3, 12, 8) or (3, 13, 0) <= sys.version_info < (3, 13, 1)
"""These Pythons wait for the peer's goodbye before they close a TLS connection; aiohttp can cut that short. Earlier
ones wait too, but fail when they are hurried."""


END_SECONDS = 1.0
"""An aborted connection ends in the next turn of the loop; this only keeps a defect elsewhere from hanging us."""


class Connector(aiohttp.TCPConnector):
    """A ``TCPConnector`` whose connections all end with it."""

    def __init__(self, **options: Any) -> None:
        """Take the options of ``aiohttp.TCPConnector``, but ``enable_cleanup_closed``."""
        super().__init__(**options, enable_cleanup_closed=TLS_CLOSES_SLOWLY)
        # NB: not weak references: uvloop's transports have none.
        self._ends: dict[asyncio.Transport, asyncio.Future[None]] = {}

    async def connect(self, *request: Any, **options: Any) -> aiohttp.connector.Connection:
        """A connection for a request, kept or new."""
        connection = await super().connect(*request, **options)
        transport = connection.transport
        end = None if connection.protocol is None else connection.protocol.closed
        if transport is not None and transport not in self._ends and end is not None:
            self._ends[transport] = end
            end.add_done_callback(lambda end: self._ended(transport, end))
        return connection

    async def close(self, *, abort_ssl: bool = False) -> None:
        """End every connection at once; none is open when this returns."""
        await super().close(abort_ssl=abort_ssl)
        for transport in self._ends:
            # NB: one that Python 3.11.2 closed twice cannot be hurried, and ends by itself: its peer is gone already.
            with suppress(AttributeError):
                transport.abort()
        if self._ends:
            await asyncio.wait(self._ends.values(), timeout=END_SECONDS)

    def _ended(self, transport: asyncio.Transport, end: asyncio.Future[None]) -> None:
        del self._ends[transport]
        if not end.cancelled():
            end.exception()  # NB: looked at, for asyncio logs one that nobody has seen; whoever asked was told already
