"""The connections of one client to its API server: opened as they are needed, kept for a while, all ended with it.

Each request that finds none kept opens one for itself, and is told itself why that does not work.
``autox.wire.pool``, which is for those whose requests wait in a queue, opens one at a time with pauses while the server
cannot be reached, and whoever waits for an answer would learn of it that much later.
"""

import asyncio
import time

from autox.kube.channel import Channel
from autox.kube.connection import Connection
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.route import Route
from autox.wire.tunnel import parse_proxy
from autox.wire.urls import Url

_KEPT_SECONDS = 60.0
"""An API server closes idle connections after 90 s; whoever closes first avoids the race."""


class Channels:
    """Connections to one API server, through its proxy if there is one."""

    def __init__(self, connection: Connection, url: Url, *, limit: int, connect_seconds: float) -> None:
        """Nothing is opened yet.

        Args:
            connection: which API server.
            url: its URL, taken apart.
            limit: at most so many for requests at once; streams come on top.
            connect_seconds: for TCP and TLS together.

        Raises:
            ConfigurationError: the URL of the proxy cannot be read.
        """
        self._route = Route(
            url.host,
            url.port,
            tls=connection.tls,
            server_name=connection.server_hostname or url.name,
            proxy=None if connection.proxy is None else parse_proxy(connection.proxy),
        )
        self._connect_seconds = connect_seconds
        self._slots = asyncio.Semaphore(limit)
        self._free: list[Channel] = []
        self._all: set[Channel] = set()
        self._is_open = False

    def open(self) -> None:
        """Allow connections from now on."""
        self._is_open = True

    async def kept(self) -> Channel:
        """A connection for a request, kept or new; ``leave`` it afterwards.

        Raises:
            ExchangeError: there is none, and none could be opened.
        """
        await self._slots.acquire()
        try:
            return self._take() or await self.opened()
        except BaseException:
            self._slots.release()
            raise

    def leave(self, channel: Channel) -> None:
        """Keep a connection on if its answer was read to its end, and end it if not."""
        self._slots.release()
        if channel.is_whole and channel.reusable:
            channel.free_since = time.monotonic()
            self._free.append(channel)
        else:
            self.end(channel)

    async def opened(self) -> Channel:
        """A new connection; ``end`` it afterwards.

        Raises:
            ExchangeError: it did not come about.
        """
        self._refuse_outside()
        channel = await self._route.open(Channel, seconds=self._connect_seconds)
        self._all.add(channel)
        if not self._is_open:
            self.end(channel)
            raise ExchangeError(FailureKind.CLOSED, "the client was closed meanwhile")
        return channel

    def end(self, channel: Channel) -> None:
        """End a connection at once."""
        self._all.discard(channel)
        channel.end()

    async def close(self) -> None:
        """End them all, and open no more."""
        self._is_open = False
        for channel in self._all:
            channel.end()
        self._all.clear()
        self._free.clear()
        await asyncio.sleep(0)  # transports close their sockets one turn of the loop later

    def _refuse_outside(self) -> None:
        if not self._is_open:
            raise RuntimeError("the client is used outside its `async with` block")

    def _take(self) -> Channel | None:
        fresh = time.monotonic() - _KEPT_SECONDS
        while self._free:
            channel = self._free.pop()
            if channel.reusable and channel.free_since > fresh:
                return channel
            self.end(channel)
        return None
